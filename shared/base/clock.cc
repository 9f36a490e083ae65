#include "shared/base/clock.h"

#include <time.h>

namespace ace {
namespace {

std::chrono::nanoseconds read(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

}  // namespace

SteadyTime SystemClock::now() const { return SteadyTime{read(CLOCK_BOOTTIME)}; }
WallTime SystemClock::wall_now() const { return WallTime{read(CLOCK_REALTIME)}; }

double unix_seconds(WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

}  // namespace ace
