#pragma once

#include <string_view>

namespace ace {

/// Gets the one line about a check that failed, as fields of a log event, before the process ends.
using CheckReporter = void (*)(std::string_view fields);
/// In the place of standard error.
void report_checks_to(CheckReporter reporter);

}  // namespace ace
