#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ace::test {

/// What somebody may send instead of a request.
struct MalformedRequest {
  std::string name;
  std::string bytes;
  int status{};  ///< what the proxy says to it before it closes
};

/// What a malformed request would get if it were served: a stream, which would show at an engine
/// and in Redis.
inline constexpr std::string_view kWantedTarget =
    "/ace/getstream?id=00000000000000000000000000000000face0001";

/// All of them: request lines, targets, header lines, hosts, ways to frame a body, sizes.
[[nodiscard]] std::vector<MalformedRequest> malformed_requests();

/// The same kinds apart; malformed_requests() joins them.
[[nodiscard]] std::vector<MalformedRequest> malformed_lines();
[[nodiscard]] std::vector<MalformedRequest> malformed_targets();
[[nodiscard]] std::vector<MalformedRequest> malformed_headers();
[[nodiscard]] std::vector<MalformedRequest> malformed_hosts();
[[nodiscard]] std::vector<MalformedRequest> malformed_lengths();
[[nodiscard]] std::vector<MalformedRequest> malformed_codings();
[[nodiscard]] std::vector<MalformedRequest> malformed_chunks();
[[nodiscard]] std::vector<MalformedRequest> oversized_requests();

/// Requests of every method that llhttp knows, in every form of a target, with the versions of the
/// protocols it knows. Some are refused, some answered; each ends its connection.
[[nodiscard]] std::vector<std::string> odd_request_lines();

/// A good request for the wanted target: the control.
[[nodiscard]] std::string wellformed_request();

}  // namespace ace::test
