#include "shared/base/check.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "shared/base/check_report.h"

namespace ace {
namespace {

CheckReporter& reporter() {
  static CheckReporter the_reporter = nullptr;
  return the_reporter;
}

}  // namespace

void report_checks_to(CheckReporter to) { reporter() = to; }

void check_failed(const char* condition, const char* why, const char* file, int line) {
  const auto fields =
      fmt::format("condition={:?} at={}:{}: {}", std::string_view{condition}, file, line, why);
  // Once: a check that fails while it is reported goes to standard error.
  if (const auto report = std::exchange(reporter(), nullptr)) {
    report(fields);
  } else {
    std::fprintf(stderr, "check_failed %s\n", fields.c_str());
  }
  std::abort();
}

}  // namespace ace
