#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "shared/base/clock.h"

namespace ace::sim {

/// Where the bytes of a session come from, in real time.
class Source {
 public:
  virtual ~Source() = default;
  /// A reader begins: what it gets starts at `from`, as far as that is still there.
  virtual void begin(SteadyTime from) = 0;
  /// Appends what is due at `now`, about `room` bytes at most; the rest waits for the next call.
  virtual void take(SteadyTime now, std::size_t room, std::string& out) = 0;
};

/// Makes the source of a new session; the infohash decides what is shown.
using SourceFactory = std::function<std::unique_ptr<Source>(const std::string& infohash)>;

}  // namespace ace::sim
