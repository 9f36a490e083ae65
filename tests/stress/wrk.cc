#include "tests/stress/wrk.h"

#include <fmt/format.h>

#include <stdexcept>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/child_process.h"

namespace ace::stress {
namespace {

constexpr std::string_view kMark = "\nreport ";
constexpr std::chrono::seconds kPatience{30};

WrkReport report_in(const std::string& log) {
  const auto at = log.rfind(kMark);
  if (at == std::string::npos) throw std::runtime_error{"wrk made no report:\n" + log};
  const auto begin = at + kMark.size();
  const auto json = test::json_of(log.substr(begin, log.find('\n', begin) - begin));
  const auto number = [&](const char* name) { return json.FindMember(name)->value.GetUint64(); };
  const auto seconds = static_cast<double>(number("microseconds")) / 1e6;
  return {.requests_per_second = static_cast<double>(number("requests")) / seconds,
          .megabits_per_second = static_cast<double>(number("bytes")) * 8 / 1e6 / seconds,
          .p50 = std::chrono::microseconds{number("p50")},
          .p99 = std::chrono::microseconds{number("p99")},
          .failed = number("failed"),
          .not_ok = number("not_ok")};
}

}  // namespace

WrkReport run_wrk(const WrkLoad& load, test::Viewers& beside) {
  test::ChildOptions options;
  options.arguments = {"--threads",
                       "1",
                       "--connections",
                       std::to_string(load.connections),
                       "--duration",
                       fmt::format("{}s", load.duration.count()),
                       "--script",
                       std::string{ACE_STRESS_DIR} + "/" + load.script,
                       fmt::format("http://127.0.0.1:{}{}", load.port, load.target)};
  if (!load.words.empty()) options.arguments.emplace_back("--");
  options.arguments.insert(options.arguments.end(), load.words.begin(), load.words.end());
  test::ChildProcess wrk{"wrk", "/usr/bin/wrk", options};
  if (!beside.run_until([&] { return !wrk.is_alive(); }, load.duration + kPatience)) {
    throw std::runtime_error{"wrk does not end:\n" + wrk.log()};
  }
  return report_in(wrk.log());
}

}  // namespace ace::stress
