#pragma once

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "workers/engines/engine_address.h"

namespace ace::engines {

/// Which engines there are, in configured order. Fixed from start to end of a process.
class EngineDirectory {
 public:
  EngineDirectory() = default;
  /// No two of one id: the settings see to that.
  explicit EngineDirectory(std::vector<EngineAddress> engines) : engines_{std::move(engines)} {}

  [[nodiscard]] std::span<const EngineAddress> engines() const { return engines_; }
  /// Null when no engine has that id. Valid as long as the directory.
  [[nodiscard]] const EngineAddress* find(std::string_view id) const;

 private:
  std::vector<EngineAddress> engines_;
};

}  // namespace ace::engines
