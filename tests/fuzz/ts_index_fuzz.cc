// Entries are whole packets that begin a unit, tables whole packets, time never goes back, and all
// of it is the same however the packets are cut into runs. Whoever gets an entry's tables and what
// lies behind it finds that entry first.

#include <algorithm>
#include <optional>

#include "proto/mpeg_ts/ts_index.h"
#include "shared/base/check.h"
#include "tests/fuzz/cuts.h"

namespace {

using ace::ByteSpan;
using ace::proto::kTsPacketSize;
using ace::proto::parse_ts_packet;
using ace::proto::RandomAccessPoint;
using ace::proto::TsIndex;

struct Outcome {
  std::optional<std::size_t> first_entry;
  std::chrono::nanoseconds media_time{};
  std::uint64_t rate{};
  bool operator==(const Outcome&) const = default;
};

/// `entry`: `tables` and the place of its packet in `packets`.
void check_entry(ByteSpan packets, const RandomAccessPoint& entry) {
  ACE_CHECK(entry.offset % kTsPacketSize == 0 && entry.offset < packets.size(), "it is a packet");
  ACE_CHECK(!entry.tables.empty() && entry.tables.size() % kTsPacketSize == 0,
            "tables are whole packets");
  const auto raw = packets.subspan(entry.offset, kTsPacketSize);
  ACE_CHECK(parse_ts_packet(raw).begins_unit, "it begins a unit");
}

/// As a player that joins there, behind its lead-in.
void check_lead_in(ByteSpan packets, const RandomAccessPoint& entry) {
  TsIndex joined;
  const auto of_tables = joined.scan(entry.tables);
  ACE_CHECK(!of_tables.random_access && !of_tables.earlier, "tables are no media");
  const auto found = joined.scan(packets.subspan(entry.offset)).random_access;
  ACE_CHECK(found && found->offset == 0, "who joins can begin at once");
}

Outcome run(ByteSpan packets, std::size_t packets_a_run) {
  TsIndex index;
  Outcome outcome;
  for (std::size_t at = 0; at < packets.size();) {
    const auto size = std::min(packets_a_run * kTsPacketSize, packets.size() - at);
    const auto before = index.media_time();
    auto scanned = index.scan(packets.subspan(at, size));
    ACE_CHECK(index.media_time() >= before, "media time grows");
    if (scanned.earlier) {
      ACE_CHECK(scanned.earlier->offset <= at, "an earlier run is no later one");
      scanned.earlier->offset = at - scanned.earlier->offset;
    }
    if (scanned.random_access) {
      ACE_CHECK(scanned.random_access->offset < size, "it lies in the run");
      scanned.random_access->offset += at;
    }
    for (const auto& entry : {scanned.earlier, scanned.random_access}) {
      if (!entry) continue;
      check_entry(packets, *entry);
      if (!outcome.first_entry) {
        outcome.first_entry = entry->offset;
        check_lead_in(packets, *entry);
      }
    }
    at += size;
  }
  outcome.media_time = index.media_time();
  outcome.rate = index.bits_per_second();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto packets = ace::fuzz::to_span(data, size / kTsPacketSize * kTsPacketSize);
  const auto whole = run(packets, std::max<std::size_t>(packets.size(), 1));
  ACE_CHECK(run(packets, 1) == whole, "any cut gives the same");
  ACE_CHECK(run(packets, 3) == whole, "any cut gives the same");
  return 0;
}
