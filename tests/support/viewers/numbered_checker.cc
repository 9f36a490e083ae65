#include "tests/support/viewers/numbered_checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace ace::test {
namespace {

constexpr std::size_t kMaxRecords = 16;
constexpr std::byte kSync{0x47};
constexpr unsigned kBeginningFailed = 100;

/// Packets that carry numbers in (after, upto], tables left out.
std::uint64_t numbered_between(std::uint64_t after, std::uint64_t upto, std::uint32_t interval) {
  const auto up_to = [&](std::uint64_t seq) {
    const auto slot = seq % interval;
    return seq / interval * (interval - 2) + (slot < 2 ? 0 : slot - 1);
  };
  return up_to(upto) - up_to(after);
}

}  // namespace

std::string_view to_string(StreamFault fault) {
  switch (fault) {
    case StreamFault::BadSync:
      return "bad sync";
    case StreamFault::Corrupt:
      return "corrupt packet";
    case StreamFault::Gap:
      return "gap";
    case StreamFault::Repeat:
      return "repeat";
    case StreamFault::Foreign:
      return "foreign packet";
    case StreamFault::TornEnd:
      return "torn end";
  }
  return "unknown";
}

void NumberedChecker::feed(ByteSpan bytes, SteadyTime now, AgeHistogram* ages) {
  if (!held_.empty()) {
    // Complete what is held with no more than that needs, so that the rest is not copied.
    const auto needed = std::min(bytes.size(), kTsPacketSize - held_.size() % kTsPacketSize);
    // Not by insert(): GCC 14 warns that it writes beyond the vector.
    std::ranges::copy(bytes.first(needed), std::back_inserter(held_));
    bytes = bytes.subspan(needed);
    if (held_.size() < kTsPacketSize) return;
    const auto whole = std::exchange(held_, {});
    consume(whole, now, ages);
    if (!held_.empty()) return feed(bytes, now, ages);  // out of sync: bytes were left
  }
  consume(bytes, now, ages);
}

void NumberedChecker::consume(ByteSpan bytes, SteadyTime now, AgeHistogram* ages) {
  while (bytes.size() >= kTsPacketSize) {
    const auto packet = bytes.first<kTsPacketSize>();
    if (in_sync_ && packet[0] != kSync) {
      in_sync_ = false;
      report(StreamFault::BadSync, "no sync byte where a packet should begin");
    }
    if (!in_sync_ && (parse_numbered(packet) || is_valid_table(packet))) in_sync_ = true;
    const std::size_t step = in_sync_ ? kTsPacketSize : 1;
    if (in_sync_) on_packet(packet, now, ages);
    offset_ += step;
    bytes = bytes.subspan(step);
  }
  held_.assign(bytes.begin(), bytes.end());
}

void NumberedChecker::end() {
  if (!held_.empty()) report(StreamFault::TornEnd, fmt::format("{} bytes held", held_.size()));
}

void NumberedChecker::on_packet(Packet packet, SteadyTime now, AgeHistogram* ages) {
  const auto pid = pid_of(packet);
  if (pid == kNullPid) {
    ++counts_.nulls;
    return;
  }
  if (pid == kPatPid || pid == kPmtPid) {
    ++counts_.tables;
    note_beginning(pid, false);
    if (!is_valid_table(packet)) report(StreamFault::Corrupt, fmt::format("table, pid {}", pid));
    return;
  }
  if (pid != kNumberedPid) return report(StreamFault::Foreign, fmt::format("pid {}", pid));
  if (is_discontinuity_marker(packet)) {
    ++counts_.markers;
    is_jump_announced_ = true;
    return;
  }
  const auto numbered = parse_numbered(packet);
  note_beginning(pid, numbered && numbered->is_random_access);
  if (!numbered) return report(StreamFault::Corrupt, "the checksum does not fit");
  ++counts_.numbered;
  if (ages != nullptr) ages->record(now - numbered->due);
  on_numbered(*numbered);
}

void NumberedChecker::on_numbered(const NumberedPacket& packet) {
  const bool is_announced = std::exchange(is_jump_announced_, false) || packet.is_discontinuity;
  if (!tag_) {
    tag_ = packet.tag;
    if (!asked_for_.empty() && !std::ranges::count(asked_for_, packet.tag)) {
      report(StreamFault::Foreign, fmt::format("packet {} of stream {:x}, which nobody asked for",
                                               packet.seq, packet.tag));
    }
  }
  if (!first_seq_) first_seq_ = packet.seq;
  if (*tag_ != packet.tag) {
    return report(StreamFault::Foreign,
                  fmt::format("packet {} of stream {:x} behind packet {} of stream {:x}",
                              packet.seq, packet.tag, last_seq_.value_or(0), *tag_));
  }
  if (last_seq_ && packet.seq <= *last_seq_) {
    return report(StreamFault::Repeat, fmt::format("{} after {}", packet.seq, *last_seq_));
  }
  const auto expected = last_seq_ ? next_numbered(*last_seq_, packet.interval) : packet.seq;
  if (packet.seq != expected) {
    const auto missing = numbered_between(*last_seq_, packet.seq, packet.interval) - 1;
    counts_.missing += missing;
    if (is_announced) {
      ++counts_.marked_skips;
    } else {
      report(StreamFault::Gap,
             fmt::format("{} missing between {} and {}", missing, *last_seq_, packet.seq));
    }
  }
  last_seq_ = packet.seq;
}

void NumberedChecker::note_beginning(std::uint16_t pid, bool is_random_access) {
  if (beginning_ > 2) return;
  const bool fits = (beginning_ == 0 && pid == kPatPid) || (beginning_ == 1 && pid == kPmtPid) ||
                    (beginning_ == 2 && is_random_access);
  began_decodable_ = fits && beginning_ == 2;
  beginning_ = fits ? beginning_ + 1 : kBeginningFailed;
}

void NumberedChecker::report(StreamFault fault, std::string text) {
  ++counts_.faults;
  if (faults_.size() < kMaxRecords) faults_.push_back({fault, offset_, std::move(text)});
}

}  // namespace ace::test
