#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/engine/engine_api.h"

/// Engines as others name them to us: people over the proxy's own API, workers through Redis, an
/// orchestrator. Pure; nothing that is no plain host and port gets through.
namespace ace::proto::engine {

inline constexpr std::size_t kMaxNameBytes = 100;
/// Most engines that one list may name; what follows is passed over.
inline constexpr std::size_t kMaxListed = 256;
inline constexpr std::size_t kMaxListBytes = 1_MiB;

struct ListedEngine {
  std::string name;  ///< empty: known by host:port
  Authority address;
  bool is_forwarded{};
  std::uint32_t max_streams{};  ///< 0: none of its own
};

/// `{"host":…,"port":…,"name":…,"forwarded":…,"max_streams":…}`; all but host and port may be
/// missing. InvalidArgument says what is wrong.
[[nodiscard]] Result<ListedEngine> parse_listed_engine(std::string_view json);
/// The same from people, who may mistype: any other member, or one of another type, is refused by
/// its name.
[[nodiscard]] Result<ListedEngine> parse_new_engine(std::string_view json);
[[nodiscard]] std::string to_json(const ListedEngine& engine);

/// An acestream-orchestrator's `/engines`: an array of objects with container_id, host, port,
/// forwarded, health_status. Entries that make no sense, and unhealthy ones, are left out. Protocol
/// when it is no array.
[[nodiscard]] Result<std::vector<ListedEngine>> parse_orchestrator(std::string_view json);

}  // namespace ace::proto::engine
