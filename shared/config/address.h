#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"

namespace ace::config {

/// Where the proxy listens: a TCP address, or a unix socket when `unix_path` is not empty.
struct ListenAddress {
  std::string host;  ///< without the brackets of IPv6; empty: every address of both families
  std::uint16_t port{};
  std::string unix_path;

  [[nodiscard]] bool is_every() const { return host.empty() && unix_path.empty(); }
  /// As it is written in settings: `:8000`, `0.0.0.0:8000`, `[::]:8000`, `unix:/run/ace.sock`.
  [[nodiscard]] std::string text() const;
  bool operator==(const ListenAddress&) const = default;
};

/// One AceStream engine as the settings name it.
struct EngineAddress {
  std::string host;  ///< without the brackets of IPv6
  std::uint16_t port{};
  std::string name;             ///< empty: people know it by host and port
  bool forwarded{};             ///< peers can reach it from outside; preferred when loads are equal
  std::uint32_t max_streams{};  ///< 0: MAX_STREAMS_PER_ENGINE decides
  bool is_dns{};                ///< every address of the host's name is an engine

  [[nodiscard]] std::string text() const;
  bool operator==(const EngineAddress&) const = default;
};

/// `host:port`, `[v6]:port`, `:port` and `port` (every address), `unix:/path`. Port 0 lets the
/// kernel choose.
[[nodiscard]] Result<ListenAddress> parse_listen_address(std::string_view text);
/// `host:port` with optional `;name=…`, `;forwarded`, `;max_streams=N` in any order;
/// `dns://host:port`, without a name, for all addresses of a host.
[[nodiscard]] Result<EngineAddress> parse_engine_address(std::string_view text);

/// Comma lists of the above; empty items are skipped. No two engines may share a name, or an
/// address where they have none.
[[nodiscard]] Result<std::vector<ListenAddress>> parse_listen_list(std::string_view text);
[[nodiscard]] Result<std::vector<EngineAddress>> parse_engine_list(std::string_view text);

}  // namespace ace::config
