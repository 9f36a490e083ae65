// A connection's bytes give the same requests however they are cut, and a request gives itself
// again when it is parsed from what was kept of it.

#include <string>
#include <utility>

#include "proto/http/request_parser.h"
#include "shared/base/check.h"
#include "tests/fuzz/cuts.h"

namespace {

using ace::as_bytes;
using ace::ByteSpan;
using ace::proto::http::kMaxBodyBytes;
using ace::proto::http::Parse;
using ace::proto::http::RequestParser;

std::string describe(const ace::proto::http::Request& request) {
  std::string text = request.method_name + ' ' + request.target.text + ' ' + request.path() + '\n';
  for (const auto& param : request.target.params) text += param.name + '=' + param.value + '&';
  for (const auto& header : request.headers) text += header.name + ':' + header.value + '\n';
  text += request.keep_alive ? "stays" : "goes";
  text += request.expects_continue ? " waits " : " ";
  return text + std::to_string(request.raw_size) + '\n' + request.body + '\n';
}

void check_request(const RequestParser& parser) {
  const auto& request = parser.request();
  ACE_CHECK(request.raw_size == parser.raw().size(), "raw() is the whole request");
  ACE_CHECK(request.body.size() <= kMaxBodyBytes, "a body is bounded");
  ACE_CHECK(!request.path().empty(), "there is a path");
  RequestParser again;
  const auto result = again.feed(as_bytes(parser.raw()));
  ACE_CHECK(result.outcome == Parse::Complete && result.consumed == request.raw_size,
            "what was kept of a request is that request");
  ACE_CHECK(describe(again.request()) == describe(request), "and says the same");
}

/// All that the bytes of one connection say, as one text. `next_piece` cuts them.
template <class Cutter>
std::string run(ByteSpan bytes, Cutter next_piece) {
  std::string said;
  RequestParser parser;
  ByteSpan piece;
  while (!piece.empty() || !bytes.empty()) {
    if (piece.empty()) piece = next_piece(bytes);
    const auto result = parser.feed(piece);
    ACE_CHECK(result.consumed <= piece.size(), "nothing is taken that is not there");
    piece = piece.subspan(result.consumed);
    if (result.outcome == Parse::Refused) {
      const auto& why = parser.refusal();
      ACE_CHECK(why.status >= 400 && !why.text.empty(), "a refusal has its reason");
      return said + std::to_string(why.status) + why.text;
    }
    if (result.outcome == Parse::Complete) {
      check_request(parser);
      said += describe(parser.request());
      parser.next();
    } else {
      ACE_CHECK(piece.empty(), "an unfinished request takes all there is");
    }
  }
  return said + "unfinished " + std::string{parser.raw()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = ace::fuzz::to_span(data, size);
  const auto take_all = [](ByteSpan& rest) { return std::exchange(rest, {}); };
  const auto take_one = [](ByteSpan& rest) {
    const auto piece = rest.first(1);
    rest = rest.subspan(1);
    return piece;
  };
  const auto whole = run(bytes, take_all);
  ACE_CHECK(run(bytes, take_one) == whole, "byte by byte says the same");
  ace::fuzz::Cuts cuts{static_cast<std::uint32_t>(size) + 1};
  ACE_CHECK(run(bytes, [&](ByteSpan& rest) { return cuts.next(rest); }) == whole,
            "any cut says the same");
  return 0;
}
