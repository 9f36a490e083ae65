#pragma once

#include <sys/types.h>

#include <cstddef>

namespace ace::test {

/// Sanitizers keep shadows and freed memory: figures of memory then say nothing of the program.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

/// VmRSS of a process; 0 when it is gone.
[[nodiscard]] std::size_t resident_bytes(pid_t process);

}  // namespace ace::test
