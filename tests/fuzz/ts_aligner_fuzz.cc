// Whole packets only, nothing lost uncounted, and the same ones however the bytes are cut, and
// whoever goes on with them.

#include <string>
#include <utility>

#include "proto/mpeg_ts/ts_aligner.h"
#include "shared/base/check.h"
#include "tests/fuzz/cuts.h"

namespace {

using ace::ByteSpan;
using ace::proto::kTsPacketSize;
using ace::proto::kTsSyncByte;
using ace::proto::TsAligner;

struct Outcome {
  std::string out;
  std::uint64_t dropped{};
  std::uint64_t unwrapped{};
  std::uint64_t losses{};
  std::size_t held{};
  bool operator==(const Outcome&) const = default;
};

void check_packets(ByteSpan packets) {
  ACE_CHECK(!packets.empty() && packets.size() % kTsPacketSize == 0, "whole packets");
  for (std::size_t at = 0; at < packets.size(); at += kTsPacketSize) {
    ACE_CHECK(packets[at] == kTsSyncByte, "each begins with its sync byte");
  }
}

template <class Cutter>
Outcome run(ByteSpan bytes, Cutter next_piece) {
  const auto size = bytes.size();
  TsAligner aligner;
  Outcome outcome;
  while (!bytes.empty()) {
    aligner.feed(next_piece(bytes), [&](ByteSpan packets) {
      check_packets(packets);
      outcome.out += ace::as_text(packets);
    });
  }
  outcome.dropped = aligner.dropped_bytes();
  outcome.unwrapped = aligner.unwrapped_bytes();
  outcome.losses = aligner.sync_losses();
  outcome.held = aligner.held();
  ACE_CHECK(outcome.out.size() + outcome.dropped + outcome.unwrapped + outcome.held == size,
            "in = out+dropped+unwrapped+held");
  aligner.reset();
  ACE_CHECK(aligner.dropped_bytes() == outcome.dropped + outcome.held, "reset drops what is held");
  return outcome;
}

/// Another aligner goes on where the first one stands after half of the bytes, if that is aligned.
void check_heir(ByteSpan bytes, const Outcome& whole) {
  const auto half = bytes.size() / 2;
  std::string out;
  const auto collect = [&out](ByteSpan packets) { out += ace::as_text(packets); };
  TsAligner first;
  first.feed(bytes.first(half), collect);
  if (!first.is_aligned()) return;
  TsAligner heir;
  heir.continue_run(first.place());
  heir.feed(first.held_bytes(), collect);
  heir.feed(bytes.subspan(half), collect);
  ACE_CHECK(out == whole.out, "an heir passes on the same packets");
}

std::size_t size_of(unsigned value) {
  if (value == 0xff) return kTsPacketSize;
  if (value == 0xfe) return 192;
  return value == 0xfd ? 204 : value + 1;
}

/// Turns a few input bytes into many packets, which a fuzzer would hardly find by itself: a byte
/// with the high bit set becomes that many bytes of packet (0xff: a whole one; 0xfe, 0xfd: one of
/// 192 or of 204 bytes), any other stands for itself.
std::string expand(ByteSpan recipe) {
  std::string text;
  for (const auto step : recipe) {
    const auto value = std::to_integer<unsigned>(step);
    if (value < 0x80) {
      text.push_back(static_cast<char>(value));
    } else {
      text.push_back('\x47');
      text.append(size_of(value) - 1, static_cast<char>(value));
    }
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = expand(ace::fuzz::to_span(data, size));
  const auto bytes = ace::as_bytes(text);
  const auto whole = run(bytes, [](ByteSpan& rest) { return std::exchange(rest, {}); });
  ace::fuzz::Cuts cuts{static_cast<std::uint32_t>(size) + 1};
  const auto cut = run(bytes, [&](ByteSpan& rest) { return cuts.next(rest); });
  ACE_CHECK(cut == whole, "any cut gives the same packets");
  check_heir(bytes, whole);
  return 0;
}
