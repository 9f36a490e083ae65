#pragma once

#include <map>
#include <string>
#include <string_view>

#include "shared/base/result.h"

namespace ace::sim {

/// The head of a request, as far as the engine looks at it.
struct Request {
  std::string method;
  std::string path;
  std::map<std::string, std::string, std::less<>> query;
  std::string host;   ///< empty when the client did not say
  std::string range;  ///< likewise

  /// The parameter's value; empty when it is not there.
  [[nodiscard]] std::string parameter(std::string_view name) const;
};

/// `head` ends before the empty line.
[[nodiscard]] Result<Request> parse_request(std::string_view head);

/// A whole reply with its length, after which the connection closes.
[[nodiscard]] std::string make_reply(std::string_view status, std::string_view content_type,
                                     std::string_view body, std::string_view more_headers = {});

}  // namespace ace::sim
