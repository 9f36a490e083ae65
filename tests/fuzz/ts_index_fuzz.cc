// Entries are whole packets' places, tables whole packets, time never goes back, and all of it is
// the same however the packets are cut into runs.

#include <algorithm>
#include <optional>

#include "proto/mpeg_ts/ts_index.h"
#include "shared/base/check.h"
#include "tests/fuzz/cuts.h"

namespace {

using ace::ByteSpan;
using ace::proto::kTsPacketSize;
using ace::proto::TsIndex;

struct Outcome {
  std::optional<std::size_t> first_entry;
  std::chrono::nanoseconds media_time{};
  std::uint64_t rate{};
  bool operator==(const Outcome&) const = default;
};

Outcome run(ByteSpan packets, std::size_t packets_a_run) {
  TsIndex index;
  Outcome outcome;
  for (std::size_t at = 0; at < packets.size();) {
    const auto size = std::min(packets_a_run * kTsPacketSize, packets.size() - at);
    const auto before = index.media_time();
    const auto scanned = index.scan(packets.subspan(at, size));
    ACE_CHECK(index.media_time() >= before, "media time grows");
    if (const auto& entry = scanned.random_access) {
      ACE_CHECK(entry->offset % kTsPacketSize == 0 && entry->offset < size, "an entry is a packet");
      ACE_CHECK(!entry->tables.empty() && entry->tables.size() % kTsPacketSize == 0,
                "tables are whole packets");
      if (!outcome.first_entry) outcome.first_entry = at + entry->offset;
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
  return 0;
}
