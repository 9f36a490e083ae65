#include "coordinator/host/shared_histogram.h"

#include <memory>

#include <catch2/catch.hpp>

#include "coordinator/host/host_memory.h"

using ace::host::SharedHistogram;
using namespace std::chrono_literals;

TEST_CASE("a duration counts in the first bucket that holds it", "[histogram]") {
  const auto histogram = std::make_unique<SharedHistogram>();
  histogram->add(0ns);
  histogram->add(500us);        // bounds are inclusive
  histogram->add(500us + 1ns);  // and nothing beyond them is rounded into them
  histogram->add(1min);
  histogram->add(1min + 1us);
  histogram->add(-5s);
  const auto reading = histogram->read();
  CHECK(reading.counts.front() == 3);
  CHECK(reading.counts[1] == 1);
  CHECK(reading.counts[SharedHistogram::kBounds.size() - 1] == 1);
  CHECK(reading.counts.back() == 1);
  CHECK(reading.count() == 6);
  CHECK(reading.sum_us == 0 + 500 + 501 + 60'000'000 + 60'000'001);
}

TEST_CASE("readings add up", "[histogram]") {
  SharedHistogram one;
  SharedHistogram other;
  one.add(3ms);
  other.add(4ms);
  other.add(2min);
  auto all = one.read();
  all += other.read();
  CHECK(all.count() == 3);
  CHECK(all.counts[3] == 2);
  CHECK(all.sum_us == 120'007'000);
}

TEST_CASE("what a worker counted outlives it, what it had does not", "[histogram]") {
  const auto host = ace::host::HostMemory::create().value();
  auto& board = host->scoreboard();
  CHECK(board.started_at_ms > 0);
  static_cast<void>(board.open_slot(0));
  auto& slot = board.slots[0];
  slot.clients = 2;
  slot.redis_is_up = 1;
  slot.longest_lag_ms = 7;
  slot.redis_bytes_in_flight = 9;
  slot.bytes_to_clients = 1000;
  slot.join_time.add(1ms);
  board.close_slot(0);
  static_cast<void>(board.open_slot(0));
  CHECK(slot.clients + slot.redis_is_up + slot.longest_lag_ms == 0);
  CHECK(slot.redis_bytes_in_flight == 0);
  CHECK(slot.bytes_to_clients == 1000);
  CHECK(slot.join_time.read().count() == 1);
}
