#include "workers/metrics/host_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "shared/metrics/text_page.h"

namespace ace::metrics {
namespace {

using host::Scoreboard;
using host::SharedHistogram;
using host::SlotBoard;
using host::StreamPhase;
using host::WorkerPhase;

// Divisors: 100'000 * 1e-6 is not the number that is written 0.1.
constexpr double kMicros = 1e6;
constexpr double kMillis = 1e3;

constexpr std::array<std::pair<StreamPhase, std::string_view>, 3> kStreamStates{
    {{StreamPhase::Starting, "starting"},
     {StreamPhase::Streaming, "streaming"},
     {StreamPhase::Stopping, "stopping"}}};

constexpr std::array<std::pair<WorkerPhase, std::string_view>, 3> kWorkerPhases{
    {{WorkerPhase::Starting, "starting"},
     {WorkerPhase::Serving, "serving"},
     {WorkerPhase::Draining, "draining"}}};

constexpr std::array<std::string_view, host::kEngineFaults> kEngineFaultNames{
    "connect", "getstream", "first_byte", "stall", "broken", "adopt"};

// The codes that clients are told.
constexpr std::array<std::string_view, host::kRefusals> kRefusalNames{
    "memory_short", "too_many_clients", "stream_full", "too_many_streams", "too_many_starts"};

using Total = std::atomic<std::uint64_t> SlotBoard::*;
struct CounterText {
  Total field;
  std::string_view name;
  std::string_view help;
};

constexpr std::array kCounters{
    CounterText{&SlotBoard::requests, "ace_proxy_requests_total",
                "HTTP requests that were read whole, those handed to another worker twice."},
    CounterText{&SlotBoard::strangers_refused, "ace_proxy_strangers_refused_total",
                "Connections that were refused, or closed, as too many bytes were held for such."},
    CounterText{&SlotBoard::bytes_from_engines, "ace_proxy_engine_received_bytes_total",
                "Media received from engines, in whole TS packets."},
    CounterText{&SlotBoard::bytes_to_clients, "ace_proxy_client_sent_bytes_total",
                "Bytes sent to clients of streams, heads and framing included."},
    CounterText{&SlotBoard::chunks_fetched, "ace_proxy_chunks_fetched_total",
                "Chunks that followers fetched from Redis."},
    CounterText{&SlotBoard::chunks_skipped, "ace_proxy_chunks_not_stored_total",
                "Chunks that Redis had no memory for or was too slow for: followers miss them."},
    CounterText{&SlotBoard::clients_skipped, "ace_proxy_client_skips_total",
                "Times a client was moved forward because it could not keep up."},
    CounterText{&SlotBoard::takeovers, "ace_proxy_takeovers_total",
                "Streams that a worker took over from one that died, stopped or lost them."},
    CounterText{&SlotBoard::redis_reconnects, "ace_proxy_redis_reconnects_total",
                "Times a worker found Redis again after it had lost it."},
    CounterText{&SlotBoard::log_lines_dropped, "ace_proxy_log_lines_dropped_total",
                "Lines of workers' logs that neither disk nor reader took."},
};

using Times = SharedHistogram SlotBoard::*;
struct HistogramText {
  Times field;
  std::string_view name;
  std::string_view help;
};

constexpr std::array kHistograms{
    HistogramText{&SlotBoard::packet_age, "ace_proxy_packet_age_seconds",
                  "From the arrival of a chunk's oldest byte out of the engine to the send to the "
                  "owner's clients that keep up, one a chunk."},
    HistogramText{&SlotBoard::fetch_time, "ace_proxy_chunk_fetch_seconds",
                  "From a follower's hearing of a chunk to the send to its clients that keep up."},
    HistogramText{&SlotBoard::join_time, "ace_proxy_join_seconds",
                  "From a client's request for a stream to the first byte sent."},
    HistogramText{&SlotBoard::redis_time, "ace_proxy_redis_round_trip_seconds",
                  "From a small command to Redis to its answer."},
    HistogramText{&SlotBoard::loop_delay, "ace_proxy_loop_delay_seconds",
                  "How late a worker's event loop came to a timer, measured twice a second."},
};

double in_seconds(std::int64_t us) { return static_cast<double>(us) / kMicros; }

HistogramSample sample_of(const SharedHistogram::Reading& reading) {
  HistogramSample sample;
  for (std::size_t i = 0; i < SharedHistogram::kBounds.size(); ++i) {
    sample.buckets.push_back(
        {.upper_bound = in_seconds(SharedHistogram::kBounds[i]), .count = reading.counts[i]});
  }
  sample.above = reading.counts.back();
  sample.sum = in_seconds(static_cast<std::int64_t>(reading.sum_us));
  return sample;
}

template <class F>
void each_worker(const Scoreboard& board, F told) {
  for (std::size_t i = 0; i < board.slots.size(); ++i) {
    const auto& slot = board.slots[i];
    if (slot.phase != WorkerPhase::Empty) told(slot, Labels{{"worker", fmt::to_string(i)}});
  }
}

void add_host(TextPage& page, const Scoreboard& board) {
  page.gauge("ace_proxy_build_info", "1, with the version that runs as a label.")
      .add(1.0, {{"version", ACE_VERSION}});
  page.gauge("ace_proxy_start_time_seconds", "When this proxy was started, in unix time.")
      .add(static_cast<double>(board.started_at_ms) / kMillis);
  page.counter("ace_proxy_worker_restarts_total",
               "Workers started in the place of one that died or was killed for hanging.")
      .add(board.restarts.load());
  auto& workers = page.gauge("ace_proxy_workers", "Worker processes by what they do.");
  for (const auto& [phase, name] : kWorkerPhases) {
    const auto count = std::ranges::count_if(
        board.slots, [phase = phase](const SlotBoard& slot) { return slot.phase == phase; });
    workers.add(static_cast<std::uint64_t>(count), {{"phase", std::string{name}}});
  }
}

void add_workers(TextPage& page, const Scoreboard& board) {
  auto& clients = page.gauge("ace_proxy_clients", "Clients of streams, waiting ones included.");
  auto& connections = page.gauge("ace_proxy_connections",
                                 "HTTP connections that are read or answered, streams apart.");
  auto& strangers = page.gauge("ace_proxy_stranger_bytes",
                               "Bytes of requests that are not whole and of answers not read.");
  auto& owned = page.gauge("ace_proxy_owned_streams", "Streams whose engine session is read here.");
  auto& redis = page.gauge("ace_proxy_redis_up", "1 while the worker can use Redis, else 0.");
  auto& trouble = page.gauge("ace_proxy_redis_trouble",
                             "1 for what keeps the worker from using Redis, or has it find no "
                             "room there (full); else 0.");
  auto& in_flight = page.gauge("ace_proxy_redis_in_flight_bytes",
                               "Bytes of chunks on their way to Redis, not answered yet.");
  auto& lag = page.gauge("ace_proxy_client_lag_max_seconds",
                         "How far the slowest client is behind the newest chunk.");
  auto& windows =
      page.gauge("ace_proxy_window_bytes", "Bytes of media that the worker holds for its viewers.");
  auto& cut = page.gauge("ace_proxy_window_cut_ratio",
                         "Part of that, beyond the least, which is done without because memory is "
                         "short: 0 none, 1 all.");
  each_worker(board, [&](const SlotBoard& slot, const Labels& worker) {
    clients.add(std::uint64_t{slot.clients}, worker);
    connections.add(std::uint64_t{slot.connections}, worker);
    strangers.add(slot.stranger_bytes.load(), worker);
    owned.add(std::uint64_t{slot.owned_streams}, worker);
    redis.add(std::uint64_t{slot.redis_is_up}, worker);
    for (std::size_t i = 1; i < host::kRedisTroubles; ++i) {
      const auto cause = static_cast<host::RedisTrouble>(i);
      auto labels = worker;
      labels.push_back({"cause", std::string{host::to_string(cause)}});
      const bool is_so = cause == host::RedisTrouble::Full ? slot.unstored_streams > 0
                                                           : slot.redis_trouble == cause;
      trouble.add(std::uint64_t{is_so}, labels);
    }
    in_flight.add(slot.redis_bytes_in_flight.load(), worker);
    lag.add(slot.longest_lag_ms / kMillis, worker);
    windows.add(slot.window_bytes.load(), worker);
    cut.add(slot.window_permille / kMillis, worker);
  });
}

void add_streams(TextPage& page, const std::vector<host::StreamView>& streams) {
  auto& family = page.gauge("ace_proxy_streams", "Streams of this host by state.");
  for (const auto& [phase, name] : kStreamStates) {
    const auto count = std::ranges::count(streams, phase, &host::StreamView::phase);
    family.add(static_cast<std::uint64_t>(count), {{"state", std::string{name}}});
  }
}

void add_totals(TextPage& page, const Scoreboard& board) {
  for (const auto& [field, name, help] : kCounters) {
    std::uint64_t total = 0;
    for (const auto& slot : board.slots) total += slot.*field;
    page.counter(name, help).add(total);
  }
  auto& faults = page.counter("ace_proxy_engine_errors_total",
                              "Engine sessions that failed, by how far they had come.");
  for (std::size_t i = 0; i < host::kEngineFaults; ++i) {
    std::uint64_t total = 0;
    for (const auto& slot : board.slots) total += slot.engine_faults[i];
    faults.add(total, {{"phase", std::string{kEngineFaultNames[i]}}});
  }
  auto& refusals = page.counter("ace_proxy_refused_clients_total",
                                "Clients of streams that were told 503 because the host was full.");
  for (std::size_t i = 0; i < host::kRefusals; ++i) {
    std::uint64_t total = 0;
    for (const auto& slot : board.slots) total += slot.refusals[i];
    refusals.add(total, {{"reason", std::string{kRefusalNames[i]}}});
  }
  for (const auto& [field, name, help] : kHistograms) {
    SharedHistogram::Reading all;
    for (const auto& slot : board.slots) all += (slot.*field).read();
    page.histogram(name, help).add(sample_of(all));
  }
}

}  // namespace

std::string host_metrics(const Scoreboard& board, const std::vector<host::StreamView>& streams) {
  TextPage page;
  add_host(page, board);
  add_workers(page, board);
  add_streams(page, streams);
  add_totals(page, board);
  return page.text();
}

}  // namespace ace::metrics
