#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/engine/engine_api.h"
#include "shared/base/result.h"

namespace ace::engines {

inline constexpr std::uint16_t kDefaultEnginePort = 6878;

/// One engine as the settings name it.
struct EngineAddress {
  std::string host;  ///< name or address; IPv6 without brackets
  std::uint16_t port{kDefaultEnginePort};
  std::string name;        ///< empty: known by host:port
  bool forwarded{};        ///< its P2P port is reachable from outside: it finds more peers
  unsigned max_streams{};  ///< 0: no limit of its own

  /// `host:port;name=living;forwarded;max_streams=4`: what follows the address in any order, IPv6
  /// in brackets, the port 6878 where it is left out. InvalidArgument names what is wrong.
  [[nodiscard]] static Result<EngineAddress> parse(std::string_view item);

  /// Stable over restarts and equal on all hosts with the same setting: the name, or host:port.
  [[nodiscard]] std::string id() const;
  [[nodiscard]] proto::engine::Authority authority() const { return {host, port}; }
};

}  // namespace ace::engines
