// Whole packets only, nothing lost uncounted, and the same ones however the bytes are cut.

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
  outcome.losses = aligner.sync_losses();
  outcome.held = aligner.held();
  ACE_CHECK(outcome.out.size() + outcome.dropped + outcome.held == size, "in = out+dropped+held");
  aligner.reset();
  ACE_CHECK(aligner.dropped_bytes() == outcome.dropped + outcome.held, "reset drops what is held");
  return outcome;
}

/// Turns a few input bytes into many packets, which a fuzzer would hardly find by itself: a byte
/// with the high bit set becomes that many bytes of packet, any other stands for itself.
std::string expand(ByteSpan recipe) {
  std::string text;
  for (const auto step : recipe) {
    const auto value = std::to_integer<unsigned>(step);
    if (value < 0x80) {
      text.push_back(static_cast<char>(value));
    } else {
      text.push_back('\x47');
      text.append(value == 0xff ? kTsPacketSize - 1 : value, static_cast<char>(value));
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
  return 0;
}
