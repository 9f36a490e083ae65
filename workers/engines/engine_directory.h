#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "workers/engines/engine_address.h"
#include "workers/engines/engine_identity.h"

namespace ace::engines {

/// Where an engine is known from. Of two that tell of the same engine (its id, or its address) the
/// first in this order counts.
enum class EngineSource : std::uint8_t { Settings, Api, Dns, Orchestrator };
[[nodiscard]] std::string_view to_string(EngineSource source);

struct KnownEngine {
  EngineAddress address;
  EngineSource source{};
  bool is_listed{};       ///< false: its source does not name it any more, or it is another one's
  std::string same_as{};  ///< the id of the engine that this is, by another name
};

/// What answers at the engines' addresses, by id.
using EngineIdentities = std::map<std::string, EngineIdentity, std::less<>>;

/// Which engines there are, as far as this worker has heard. Nothing leads to any other address.
class EngineDirectory {
 public:
  /// Engines that left and are remembered.
  static constexpr std::size_t kMostGone = 64;

  EngineDirectory() = default;
  /// No two of one id: the settings see to that.
  explicit EngineDirectory(std::vector<EngineAddress> engines);

  /// All engines of a source, instead of those it named before. One that is missing keeps the
  /// streams that it plays and is given no new one.
  void set(EngineSource source, std::vector<EngineAddress> engines);

  /// Of several names of one engine only the first may be given streams: it is one engine, with one
  /// load. Those that play already go on.
  void set_identities(EngineIdentities identities);

  /// Those that may be given streams, by source and in the order of each.
  [[nodiscard]] std::span<const EngineAddress> engines() const { return listed_; }
  /// Also those that left. Null when no engine has that id. Valid until the next set().
  [[nodiscard]] const EngineAddress* find(std::string_view id) const;
  [[nodiscard]] const std::vector<KnownEngine>& known() const { return known_; }

 private:
  void merge();
  /// The listed engine that `id` is, too; null: none.
  [[nodiscard]] const EngineAddress* twin_of(const std::string& id) const;

  std::map<EngineSource, std::vector<EngineAddress>> sources_;
  EngineIdentities identities_;
  std::vector<KnownEngine> known_;  ///< listed ones first, then the last that left
  std::vector<EngineAddress> listed_;
};

}  // namespace ace::engines
