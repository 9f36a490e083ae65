#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "workers/engines/engine_address.h"

namespace ace::engines {

/// Which engines there are, in configured order. Fixed from start to end of a process.
class EngineDirectory {
 public:
  EngineDirectory() = default;
  /// InvalidArgument for an item that does not parse, and for two engines of one id.
  [[nodiscard]] static Result<EngineDirectory> parse(std::span<const std::string> items);

  [[nodiscard]] std::span<const EngineAddress> engines() const { return engines_; }
  /// Null when no engine has that id. Valid as long as the directory.
  [[nodiscard]] const EngineAddress* find(std::string_view id) const;

 private:
  std::vector<EngineAddress> engines_;
};

}  // namespace ace::engines
