#pragma once

#include <cstdint>
#include <string>

#include "proto/engine/engine_api.h"

namespace ace::engines {

/// One engine as the settings name it.
struct EngineAddress {
  std::string host;  ///< name or address; IPv6 without brackets
  std::uint16_t port{};
  std::string name;        ///< empty: known by host:port
  bool forwarded{};        ///< its P2P port is reachable from outside: it finds more peers
  unsigned max_streams{};  ///< 0: no limit of its own

  /// Stable over restarts and equal on all hosts with the same setting: the name, or host:port.
  [[nodiscard]] std::string id() const;
  [[nodiscard]] proto::engine::Authority authority() const { return {host, port}; }
};

}  // namespace ace::engines
