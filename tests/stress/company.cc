#include "tests/stress/company.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/e2e/stream/service.h"
#include "tests/stress/file_server.h"
#include "tests/stress/wrk.h"

namespace ace::stress {
namespace {

using std::chrono::milliseconds;
using test::ViewerState;

constexpr std::chrono::seconds kStartTimeout{30};
constexpr std::chrono::seconds kWarmUp{3};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void print(const char* whose, const WrkReport& report) {
  fmt::print("  {:6} {:8.0f} requests/s  p50 {:6.2f} ms  p99 {:6.2f} ms\n", whose,
             report.requests_per_second, static_cast<double>(report.p50.count()) / 1e3,
             static_cast<double>(report.p99.count()) / 1e3);
}

/// A served audience, and what must hold of it at the end.
class Audience {
 public:
  explicit Audience(const Company& company)
      : company_{company},
        service_{{.workers = company.workers,
                  .bitrate = company.bitrate,
                  .environment = {{"PROXY_LOG_LEVEL", "warn"}}}},
        viewers_{service_.port()} {
    for (std::size_t i = 0; i < company.viewers; ++i) viewers_.open(1, target(i));
    if (!test::all_served(viewers_, kStartTimeout)) {
      throw std::runtime_error{"not all viewers are served"};
    }
    viewers_.run_for(kWarmUp);
    watch_for(company.each);
    print_ages("alone");
  }

  [[nodiscard]] const test::Service& service() const { return service_; }
  [[nodiscard]] test::Viewers& viewers() { return viewers_; }
  [[nodiscard]] std::string target(std::size_t number) const {
    const auto stream = static_cast<unsigned>(number % company_.streams);
    return test::stream_target(test::stream_id(1 + stream));
  }
  void restart_ages() { viewers_.restart_ages(); }
  void print_ages(const char* when) const {
    fmt::print("{} viewers, {}: packet age median {} ms, 99th percentile {} ms\n", company_.viewers,
               when, viewers_.ages().percentile(0.5).count(),
               viewers_.ages().percentile(0.99).count());
  }

  /// @returns how many violations it printed.
  [[nodiscard]] std::size_t judge() const {
    std::uint64_t missing = 0;
    for (std::size_t i = 0; i < viewers_.size(); ++i) {
      missing += viewers_.at(i).checker().counts().missing;
    }
    const auto cut_off = viewers_.size() - viewers_.count(ViewerState::Streaming);
    fmt::print("viewers: {} packets missing, {} cut off, longest pause {} ms\n", missing, cut_off,
               std::chrono::duration_cast<milliseconds>(viewers_.longest_pause()).count());
    fmt::print("{}", viewers_.faults());
    return static_cast<std::size_t>(missing > 0) + static_cast<std::size_t>(cut_off > 0) +
           static_cast<std::size_t>(!viewers_.faults().empty());
  }

 private:
  void watch_for(milliseconds duration) {
    viewers_.restart_ages();
    viewers_.run_for(duration);
  }

  Company company_;
  test::Service service_;
  test::Viewers viewers_;
};

std::size_t judge_answers(const char* whose, const WrkReport& report) {
  if (report.failed == 0 && report.not_ok == 0) return 0;
  fmt::print("  {}: {} requests broke, {} answers were not 2xx\n", whose, report.failed,
             report.not_ok);
  return 1;
}

/// One page of the proxy against a file, in pairs whose order alternates: machines drift.
std::size_t load_page(const Company& company, const std::string& page, Audience& audience,
                      const FileServer& files) {
  const auto body = audience.service().get(page).body;
  const auto file = files.add_file(std::to_string(body.size()), body.size());
  fmt::print("{} ({} bytes), {} connections\n", page, body.size(), company.connections);
  WrkLoad load{.port = audience.service().port(), .script = "api.lua", .target = page};
  load.connections = company.connections;
  load.duration = company.each;
  auto control = load;
  control.port = files.port();
  control.target = file;
  std::vector<double> rates;
  std::vector<double> latencies;
  std::size_t violations = 0;
  for (int pair = 0; pair < company.pairs; ++pair) {
    const bool proxy_first = pair % 2 == 0;
    const auto first = run_wrk(proxy_first ? load : control, audience.viewers());
    const auto second = run_wrk(proxy_first ? control : load, audience.viewers());
    const auto& proxy = proxy_first ? first : second;
    const auto& nginx = proxy_first ? second : first;
    print("proxy", proxy);
    print("nginx", nginx);
    violations += judge_answers("proxy", proxy) + judge_answers("nginx", nginx);
    rates.push_back(proxy.requests_per_second / nginx.requests_per_second);
    latencies.push_back(static_cast<double>(proxy.p99.count()) /
                        static_cast<double>(std::max<std::int64_t>(nginx.p99.count(), 1)));
  }
  fmt::print("  proxy : nginx, median of {}: requests/s {:.2f}, p99 {:.2f}\n", company.pairs,
             median(rates), median(latencies));
  return violations;
}

}  // namespace

std::size_t load_api(const Company& company) {
  Audience audience{company};
  const FileServer files{company.workers};
  std::size_t violations = 0;
  for (const char* page : {"/healthz", "/streams"}) {
    audience.restart_ages();
    violations += load_page(company, page, audience, files);
    audience.print_ages("beside it");
  }
  return violations + audience.judge();
}

std::size_t load_streams(const Company& company) {
  Audience audience{company};
  WrkLoad load{.port = audience.service().port(), .script = "stream.lua", .target = "/"};
  for (std::size_t i = 0; i < company.streams; ++i) load.words.push_back(audience.target(i));
  load.connections = company.connections;
  load.duration = company.each * 2;
  audience.restart_ages();
  const auto report = run_wrk(load, audience.viewers());
  audience.print_ages("beside wrk's");
  const auto each = report.megabits_per_second / company.connections;
  const auto wanted = static_cast<double>(company.bitrate) / 1e6;
  fmt::print("wrk plays {} streams on {} connections: {:.2f} Mbit/s each, of {:.2f}\n",
             company.streams, company.connections, each, wanted);
  std::size_t violations = judge_answers("wrk", report);
  // What a join gets at once comes on top.
  if (each < wanted) {
    fmt::print("that is less than the stream\n");
    ++violations;
  }
  return violations + audience.judge();
}

}  // namespace ace::stress
