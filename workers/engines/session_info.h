#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "workers/engines/engine_address.h"

namespace ace::engines {

struct SessionTimeouts {
  std::chrono::milliseconds connect{1000};
  std::chrono::milliseconds json{15000};        ///< getstream: from the question to its answer
  std::chrono::milliseconds first_byte{30000};  ///< engines hold headers while they prebuffer
  std::chrono::milliseconds command{3000};
};

/// One playback that an engine runs for us: what stands in a stream's metadata. The urls lead to
/// host and port, wherever the engine said they do.
struct SessionInfo {
  std::string engine_id;
  std::string host;
  std::uint16_t port{};
  bool forwarded{};
  std::string playback_url;
  std::string stat_url;     ///< may be empty
  std::string command_url;  ///< may be empty
  std::string playback_session_id;
  std::string infohash;  ///< may be empty
  std::string pid;
  bool is_live{};
  bool is_encrypted{};
};

}  // namespace ace::engines
