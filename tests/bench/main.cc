#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "tests/bench/first_byte.h"
#include "tests/bench/proxy_load.h"
#include "tests/bench/raw_send.h"
#include "tests/bench/slow_client.h"

namespace {

using ace::bench::Cost;
using ace::bench::Joining;
using ace::bench::Load;

struct Settings {
  Load load;
  Joining joining;
  int pairs{3};
  int workers{2};
  std::optional<double> at_most;  ///< the ratio of proxy and control that is good enough
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double rate_mbit(const Cost& cost, const Load& load) {
  const auto bits = static_cast<double>(cost.bytes) * 8;
  return bits / static_cast<double>(load.measured.count()) / 1e6 /
         static_cast<double>(load.clients);
}

double run_raw_send(const Settings& settings) {
  const auto cost =
      ace::bench::measure_raw_send(settings.load, static_cast<std::size_t>(settings.workers));
  fmt::print("raw send  {:.3f} CPU s/GB  ({:.2f} Mbit/s a client, {:.2f} s of CPU)\n",
             cost.per_gb(), rate_mbit(cost, settings.load), cost.cpu.count());
  return cost.per_gb();
}

double run_proxy(const Settings& settings) {
  const auto [total, redis, served] = ace::bench::measure_proxy(settings.load, settings.workers);
  fmt::print(
      "proxy     {:.3f} CPU s/GB  ({:.2f} Mbit/s a client, {:.2f} s of CPU, {:.2f} of it "
      "Redis; {} of {} clients fed)\n",
      total.per_gb(), rate_mbit(total, settings.load), total.cpu.count(), redis.count(), served,
      settings.load.clients);
  return total.per_gb();
}

/// Machines drift: each pair is measured back to back, the order alternates, the ratio counts.
void run_pairs(const Settings& settings) {
  std::vector<double> raw;
  std::vector<double> proxy;
  std::vector<double> ratios;
  for (int pair = 0; pair < settings.pairs; ++pair) {
    const bool raw_first = pair % 2 == 0;
    if (raw_first) raw.push_back(run_raw_send(settings));
    proxy.push_back(run_proxy(settings));
    if (!raw_first) raw.push_back(run_raw_send(settings));
    ratios.push_back(proxy.back() / raw.back());
  }
  fmt::print(
      "median of {} pairs, {} clients: raw send {:.3f}, proxy {:.3f} CPU s/GB, ratio {:.2f}\n",
      settings.pairs, settings.load.clients, median(raw), median(proxy), median(ratios));
  if (settings.at_most && median(ratios) > *settings.at_most) {
    throw std::runtime_error{fmt::format("the ratio is to be {} at most", *settings.at_most)};
  }
}

/// `times` are sorted.
void print_times(const char* whose, const std::vector<std::chrono::nanoseconds>& times) {
  if (times.empty()) return fmt::print("{:9} no join\n", whose);
  const auto at = [&](double part) {
    const auto last = static_cast<double>(times.size() - 1);
    return std::chrono::duration<double, std::milli>{
        times[static_cast<std::size_t>(std::ceil(part * last))]}
        .count();
  };
  fmt::print("{:9} {:4} joins  p50 {:6.2f} ms  p99 {:6.2f} ms  longest {:6.2f} ms\n", whose,
             times.size(), at(0.5), at(0.99), at(1));
}

void run_first_byte(const Settings& settings) {
  auto joining = settings.joining;
  joining.bitrate = settings.load.bitrate;
  joining.workers = static_cast<unsigned>(settings.workers);
  auto [owner, followers] = ace::bench::measure_first_bytes(joining);
  print_times("owner", owner);
  print_times("followers", followers);
  auto all = std::move(owner);
  all.insert(all.end(), followers.begin(), followers.end());
  std::ranges::sort(all);
  print_times("all", all);
}

/// What one slow client does to the others, in pairs as above.
void run_slow_client(const Settings& settings) {
  using ace::bench::Company;
  std::vector<double> alone;
  std::vector<double> beside;
  const auto run = [&](Company company) {
    const auto ages = ace::bench::measure_ages(settings.load, settings.workers, company);
    const bool is_alone = company == Company::None;
    fmt::print("{}  packet age: median {} ms, 99th percentile {} ms\n",
               is_alone ? "alone             " : "beside a slow one ", ages.median.count(),
               ages.p99.count());
    (is_alone ? alone : beside).push_back(static_cast<double>(ages.p99.count()));
  };
  for (int pair = 0; pair < settings.pairs; ++pair) {
    const bool alone_first = pair % 2 == 0;
    run(alone_first ? Company::None : Company::SlowClient);
    run(alone_first ? Company::SlowClient : Company::None);
  }
  fmt::print("median of {} pairs, {} clients: 99th percentile {} ms alone, {} ms beside\n",
             settings.pairs, settings.load.clients, median(alone), median(beside));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"What delivering streams costs in CPU time, and how soon a stream begins"};
  Settings settings;
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--clients", settings.load.clients, "viewers of one stream")
      ->check(CLI::Range(1, 5000))
      ->capture_default_str();
  app.add_option("--bitrate", settings.load.bitrate, "bits a second of each")
      ->check(CLI::Range(std::uint64_t{32'000}, std::uint64_t{1'000'000'000}))
      ->capture_default_str();
  app.add_option_function<int>(
      "--seconds", [&](int s) { settings.load.measured = std::chrono::seconds{s}; },
      "how long each measurement takes (10)");
  app.add_option("--pairs", settings.pairs, "measurements of each kind")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--workers", settings.workers, "of the proxy")->capture_default_str();
  auto* raw_send = app.add_subcommand("raw-send", "the control alone");
  auto* proxy = app.add_subcommand("proxy", "the proxy and the control, in alternating pairs");
  proxy->add_option("--at-most", settings.at_most, "fails when the ratio's median is above it");
  auto* first_byte = app.add_subcommand("first-byte", "from connect to media, joining late");
  first_byte->add_option("--joins", settings.joining.joins, "one after the other")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  first_byte->add_option("--viewers", settings.joining.viewers, "that watch meanwhile")
      ->check(CLI::Range(1, 5000))
      ->capture_default_str();
  auto* slow_client =
      app.add_subcommand("slow-client", "packet ages with and without one slow client beside");
  CLI11_PARSE(app, argc, argv);
  try {
    if (raw_send->parsed()) {
      std::vector<double> costs;
      for (int i = 0; i < settings.pairs; ++i) costs.push_back(run_raw_send(settings));
      fmt::print("median of {}: {:.3f} CPU s/GB\n", settings.pairs, median(costs));
    } else if (first_byte->parsed()) {
      run_first_byte(settings);
    } else if (slow_client->parsed()) {
      run_slow_client(settings);
    } else {
      run_pairs(settings);
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "ace-bench: {}\n", error.what());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
