#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/clock.h"

namespace ace::log {

/// How many lines of one kind of event are worth writing: the first so many of each window. Pure.
class LineRate {
 public:
  static constexpr std::chrono::seconds kWindow{10};

  /// 0: all of them.
  explicit LineRate(std::uint32_t most) : most_{most} {}

  struct Suppressed {
    std::string event;
    std::uint64_t count{};
  };

  [[nodiscard]] bool admits(std::string_view event, SteadyTime now);
  /// Of windows that have ended since; each is told once.
  [[nodiscard]] std::vector<Suppressed> take_suppressed(SteadyTime now);

 private:
  struct Window {
    SteadyTime began;
    std::uint32_t lines{};
    std::uint64_t suppressed{};
  };

  std::uint32_t most_;
  std::map<std::string, Window, std::less<>> windows_;  ///< events are words of ours: they are few
};

}  // namespace ace::log
