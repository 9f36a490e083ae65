#pragma once

#include <chrono>

namespace ace::os {

/// Processor time that the calling thread has used.
[[nodiscard]] std::chrono::nanoseconds thread_cpu_time();

}  // namespace ace::os
