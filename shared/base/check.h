#pragma once

namespace ace {

/// Ends the process after naming the broken assumption in the log, or on standard error while there
/// is none (check_report.h); the supervisor starts a new one.
[[noreturn]] void check_failed(const char* condition, const char* why, const char* file, int line);

}  // namespace ace

/// For what cannot happen unless the program itself is wrong. On in every build.
#define ACE_CHECK(condition, why) \
  ((condition) ? static_cast<void>(0) : ::ace::check_failed(#condition, why, __FILE__, __LINE__))
