#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>

namespace ace::bench {

using CpuSeconds = std::chrono::duration<double>;

/// User and system time that a process has used so far (utime + stime of its stat); zero when it
/// is gone. The kernel counts in hundredths of a second here: measure for seconds.
[[nodiscard]] CpuSeconds cpu_time(pid_t pid);
/// The same of a process and its living children together.
[[nodiscard]] CpuSeconds cpu_time_of_family(pid_t parent);

/// What moving bytes has cost.
struct Cost {
  CpuSeconds cpu{};
  std::uint64_t bytes{};

  /// CPU seconds per 1e9 bytes.
  [[nodiscard]] double per_gb() const {
    return bytes == 0 ? 0 : cpu.count() / (static_cast<double>(bytes) / 1e9);
  }
};

}  // namespace ace::bench
