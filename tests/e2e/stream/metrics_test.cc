#include <fmt/format.h>
#include <signal.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <regex>
#include <set>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/metrics/metrics_page.h"
#include "tests/support/process/temp_dir.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

MetricsPage metrics_of(const Service& service) { return MetricsPage{service.get("/metrics").body}; }

double value(const Service& service, const std::string& sample) {
  return metrics_of(service).value(sample);
}

/// What `promtool check metrics` says of the page: nothing when all is well.
std::string verdict_of_promtool(const std::string& page) {
  const TempDir dir;
  const auto path = dir.file("page");
  std::ofstream{path} << page;
  const auto command = fmt::format("{} check metrics < {} 2>&1", ACE_PROMTOOL, path);
  const std::unique_ptr<FILE, int (*)(FILE*)> output{::popen(command.c_str(), "r"), ::pclose};
  std::string said;
  std::array<char, 256> line{};
  while (std::fgets(line.data(), line.size(), output.get()) != nullptr) said += line.data();
  return said;
}

/// The families that a text asks for.
std::set<std::string> families_in(const std::string& text) {
  static const std::regex kName{"ace_proxy_[a-z_]+"};
  static const std::regex kPart{"_(bucket|sum|count)$"};
  std::set<std::string> names;
  for (std::sregex_iterator at{text.begin(), text.end(), kName}, end; at != end; ++at) {
    names.insert(std::regex_replace(at->str(), kPart, ""));
  }
  return names;
}

}  // namespace

TEST_CASE("any worker tells the whole host's numbers", "[metrics]") {
  const Service service{{.workers = 2, .bitrate = 2'000'000}};
  Viewers viewers{service.port()};
  viewers.open(4, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 10s));
  // A second of media, a chunk each 100 ms; what was sent is added up twice a second.
  const auto is_under_way = [&] {
    const auto page = metrics_of(service);
    return page.sum("ace_proxy_redis_up") == 2 && page.value("ace_proxy_join_seconds_count") == 4 &&
           page.value("ace_proxy_client_sent_bytes_total") > 0 &&
           page.value("ace_proxy_engine_received_bytes_total") >= 250'000 &&
           page.value("ace_proxy_packet_age_seconds_count") >= 10 &&
           page.value("ace_proxy_loop_delay_seconds_count") > 2;
  };
  REQUIRE(viewers.run_until(is_under_way, 30s));

  const auto reply = service.get("/metrics");
  CHECK(reply.status == 200);
  CHECK(reply.headers.find("content-type") == "text/plain; version=0.0.4; charset=utf-8");
  const MetricsPage page{reply.body};
  CHECK(page.sum("ace_proxy_clients") == 4);
  CHECK(page.value("ace_proxy_workers{phase=\"serving\"}") == 2);
  CHECK(page.value("ace_proxy_redis_up{worker=\"0\"}") == 1);
  CHECK(page.value("ace_proxy_redis_up{worker=\"1\"}") == 1);
  CHECK(page.value("ace_proxy_streams{state=\"streaming\"}") == 1);
  CHECK(page.sum("ace_proxy_streams") == 1);
  CHECK(page.sum("ace_proxy_owned_streams") == 1);
  CHECK(page.value("ace_proxy_engine_received_bytes_total") <=
        static_cast<double>(service.engines().state().stream(stream_id(1)).bytes_sent));
  CHECK(page.value("ace_proxy_redis_round_trip_seconds_count") > 0);
  CHECK(page.sum("ace_proxy_engine_errors_total") == 0);
  CHECK(page.value("ace_proxy_takeovers_total") == 0);
  CHECK(page.value("ace_proxy_worker_restarts_total") == 0);

  const auto sent = page.value("ace_proxy_client_sent_bytes_total");
  const auto a_second_to_each = static_cast<double>(4 * 250'000);
  const auto is_added_up = [&] {
    return value(service, "ace_proxy_client_sent_bytes_total") > sent + a_second_to_each;
  };
  CHECK(viewers.run_until(is_added_up, 30s));
}

TEST_CASE("Prometheus' own tool finds nothing to say about the page", "[metrics]") {
  if (std::string_view{ACE_PROMTOOL}.ends_with("NOTFOUND")) {
    if (std::getenv("ACE_REQUIRE_TOOLS") != nullptr) FAIL("promtool is not installed");
    WARN("SKIPPED: there is no promtool here");
    return;
  }
  const Service service{{.workers = 1}};
  CHECK(verdict_of_promtool(service.get("/metrics").body).empty());
  CHECK_FALSE(verdict_of_promtool("# TYPE a counter\na 1\n").empty());
}

TEST_CASE("dashboard and alerts ask for what there is", "[metrics]") {
  const std::string file = GENERATE("/grafana/ace-proxy.json", "/prometheus/ace-proxy.rules.yml");
  const auto asked = families_in(read_text_file(ACE_DEPLOY_DIR + file));
  CHECK(asked.size() > 5);
  const Service service{{.workers = 1}};
  const auto there = families_in(service.get("/metrics").body);
  for (const auto& name : asked) {
    INFO(name);
    CHECK(there.contains(name));
  }
}

TEST_CASE("Redis' coming and going is on the page, on /healthz, and in the log once", "[metrics]") {
  Service service{{.workers = 2}};
  const auto redis_is = [&](double up, const char* word) {
    const auto page = metrics_of(service);
    return page.value("ace_proxy_redis_up{worker=\"0\"}") == up &&
           page.value("ace_proxy_redis_up{worker=\"1\"}") == up &&
           json_of(service.get("/healthz").body)["redis"].GetString() == std::string_view{word};
  };
  const auto times_told = [&](const char* event) {
    return count_events(service.proxy().log(), event);
  };
  REQUIRE(wait_until([&] { return redis_is(1, "up"); }, 20s));
  CHECK(value(service, "ace_proxy_redis_reconnects_total") == 0);
  service.redis_server().kill();
  REQUIRE(wait_until([&] { return redis_is(0, "down"); }, 20s));
  CHECK(service.get("/healthz").status == 200);
  service.redis_server().restart();
  // What is counted, and what is told, comes right behind.
  const auto is_back = [&] {
    return redis_is(1, "up") && value(service, "ace_proxy_redis_reconnects_total") >= 2 &&
           times_told("redis_up") >= 2;
  };
  REQUIRE(wait_until(is_back, 20s));
  CHECK(value(service, "ace_proxy_redis_reconnects_total") == 2);  // one a worker
  CHECK(times_told("redis_down") == 1);
  CHECK(times_told("redis_up") == 2);
}

TEST_CASE("totals outlive the worker that counted them", "[metrics]") {
  const Service service{{.workers = 2, .bitrate = 2'000'000}};
  Viewers viewers{service.port()};
  viewers.open(12, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 10s));
  viewers.run_for(1s);
  const auto before = metrics_of(service).totals();
  const auto owner = service.owner().pid;
  ::kill(owner, SIGKILL);
  const auto is_replaced = [&] {
    const auto page = metrics_of(service);
    return page.value("ace_proxy_worker_restarts_total") == 1 &&
           page.value("ace_proxy_workers{phase=\"serving\"}") == 2;
  };
  REQUIRE(viewers.run_until(is_replaced, 30s));
  const auto is_taken_over = [&] { return value(service, "ace_proxy_takeovers_total") == 1; };
  CHECK(viewers.run_until(is_taken_over, 30s));
  const auto after = metrics_of(service).totals();
  for (const auto& [sample, total] : before) {
    INFO(sample);
    CHECK(after.at(sample) >= total);
  }
}

TEST_CASE("an engine's failures are counted by how far they came", "[metrics]") {
  const Service service{{.workers = 1, .engines = 1}};
  service.engines().fault("error_json");
  const auto reply = service.get(stream_target(stream_id(1)));
  CHECK(reply.status == 502);
  const auto page = metrics_of(service);
  CHECK(page.value("ace_proxy_engine_errors_total{phase=\"getstream\"}") == 1);
  CHECK(page.sum("ace_proxy_engine_errors_total") == 1);
}
