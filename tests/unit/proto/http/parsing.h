#pragma once

#include <string>
#include <string_view>

#include "proto/http/request_parser.h"

namespace ace::test {

/// What came of a message, in a form that can be compared whole.
struct Parsed {
  proto::http::Parse outcome{proto::http::Parse::NeedMore};
  std::size_t consumed{};  ///< 0 when refused: nobody may build on it then
  int status{};
  std::string text;
  proto::http::Request request;
};

inline Parsed conclude(proto::http::RequestParser& parser, proto::http::Parse outcome,
                       std::size_t consumed) {
  Parsed parsed{.outcome = outcome, .consumed = consumed, .status = 0, .text = {}, .request = {}};
  if (outcome == proto::http::Parse::Refused) {
    parsed.consumed = 0;
    parsed.status = parser.refusal().status;
    parsed.text = parser.refusal().text;
  }
  if (outcome == proto::http::Parse::Complete) parsed.request = parser.take_request();
  return parsed;
}

inline Parsed parse(std::string_view text) {
  proto::http::RequestParser parser;
  const auto result = parser.feed(as_bytes(text));
  return conclude(parser, result.outcome, result.consumed);
}

/// The status with which `text` is refused; 0 if it is not.
inline int refusal_of(std::string_view text) { return parse(text).status; }

}  // namespace ace::test
