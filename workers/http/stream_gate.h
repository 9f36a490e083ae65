#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/http/request.h"
#include "shared/base/result.h"
#include "shared/config/stream_token.h"
#include "shared/net/ip_set.h"

namespace ace::http {

/// Who is given streams: by address, and by the token of a playlist.
class StreamGate {
 public:
  /// Empty ones ask for nothing.
  StreamGate(net::IpSet allowed, std::vector<config::StreamToken> tokens)
      : allowed_{std::move(allowed)}, tokens_{std::move(tokens)} {}

  struct Denial {
    std::string_view code;
    std::string_view message;
  };
  /// Who it is (the name of the token, or nobody), or why not. `client`: as client_address() has
  /// it.
  [[nodiscard]] tl::expected<std::string, Denial> admit(const proto::http::Request& request,
                                                        std::string_view client) const;

 private:
  net::IpSet allowed_;
  std::vector<config::StreamToken> tokens_;
};

}  // namespace ace::http
