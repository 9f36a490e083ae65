#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/unique_fd.h"
#include "tests/e2e/stream/service.h"

namespace ace::test {

inline constexpr std::uint64_t kFilmSize = 3'000'017;

struct CinemaOptions {
  std::uint64_t size{kFilmSize};  ///< beyond some megabytes sockets do not hold it
  unsigned workers{3};
  RedisIs redis{RedisIs::There};
  ProxyProcess::Environment environment{};
};

/// The proxy before engines that know films only, and the film of stream_id(1).
class Cinema {
 public:
  explicit Cinema(std::size_t engines, const CinemaOptions& options = {});

  [[nodiscard]] Service& service() { return service_; }
  [[nodiscard]] const SimProcess& engines() const { return service_.engines(); }
  [[nodiscard]] HttpReply ask(const std::string& agent, const std::string& range = "",
                              std::string_view method = "GET",
                              const HeaderList& headers = {}) const;
  /// A connection that has asked, and reads nothing yet.
  [[nodiscard]] UniqueFd open(const std::string& agent, const HeaderList& headers = {}) const;
  /// A figure of all engines.
  [[nodiscard]] std::uint64_t total(const char* name) const;

 private:
  std::size_t engines_;
  Service service_;
};

void send_all(const UniqueFd& connection, std::string_view bytes);
/// So many bytes of it.
[[nodiscard]] std::string film(std::uint64_t first, std::uint64_t count);
/// All that is still to come on the connection, without the head; throws when it stays open.
[[nodiscard]] std::string rest_of(const UniqueFd& connection);
/// Its answer has begun.
[[nodiscard]] bool has_begun(const UniqueFd& connection);

}  // namespace ace::test
