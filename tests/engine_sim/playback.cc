#include "tests/engine_sim/playback.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "shared/base/bytes.h"

namespace ace::sim {
namespace {

/// A reader that does not read makes the stream wait in the engine, not in this program's memory.
constexpr std::size_t kMaxQueued = 256_KiB;
constexpr std::size_t kPiece = 256_KiB;
constexpr int kMaxPieces = 16;  // a turn: a burst must not starve the other sessions

std::uint64_t seed_of(std::string_view garbage) {
  constexpr std::string_view kPrefix = "seed:";
  std::uint64_t seed = 20240229;  // the same garbage in every run
  if (!garbage.starts_with(kPrefix)) return seed;
  std::from_chars(garbage.data() + kPrefix.size(), garbage.data() + garbage.size(), seed);
  return seed;
}

}  // namespace

std::string playback_head(BodyFraming framing) {
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nConnection: close\r\n{}\r\n",
                     framing == BodyFraming::Chunked ? "Transfer-Encoding: chunked\r\n" : "");
}

void Playback::send_head(SteadyTime now, const Faults& faults) {
  connection_.write(playback_head(framing_));
  const std::chrono::duration<double> backlog{faults.number(Fault::Burst, 0)};
  begun_at_ = now - std::chrono::duration_cast<std::chrono::nanoseconds>(backlog);
  session_.source->begin(*begun_at_);
  if (faults.has(Fault::Misaligned)) {
    skip_ = static_cast<std::size_t>(std::max(0.0, faults.number(Fault::Misaligned, 1)));
  }
}

std::uint64_t Playback::pump(SteadyTime now, Faults& faults) {
  if (!session_.source || connection_.is_closed() || now < head_at_ ||
      faults.has(Fault::HangPlayback))
    return 0;
  const auto* stalled = faults.find(Fault::Stall);
  if (!begun_at_) send_head(now, faults);
  if (stalled != nullptr && (stalled->empty() || *stalled == session_.infohash)) return 0;
  connection_.split_writes(faults.has(Fault::Split));
  std::uint64_t sent = 0;
  for (int piece = 0; piece < kMaxPieces && connection_.queued() < kMaxQueued; ++piece) {
    scratch_.clear();
    session_.source->take(now, kPiece, scratch_);
    if (scratch_.empty()) break;
    spoil(scratch_, faults);
    send_body(scratch_);
    sent += scratch_.size();
  }
  return sent;
}

void Playback::spoil(std::string& bytes, Faults& faults) {
  if (skip_ > 0) {
    const auto skipped = std::min(skip_, bytes.size());
    bytes.erase(0, skipped);
    skip_ -= skipped;
  }
  const auto* garbage = faults.find(Fault::Garbage);
  if (garbage == nullptr) return;
  if (!random_) random_.emplace(seed_of(*garbage));
  if (garbage->empty() || garbage->starts_with("seed:")) {
    return fill_random(bytes, 0, bytes.size());
  }
  const auto count = static_cast<std::size_t>(std::max(0.0, faults.number(Fault::Garbage, 0)));
  const auto at = bytes.size() / 2;  // mostly inside a packet
  bytes.insert(at, count, '\0');
  fill_random(bytes, at, count);
  faults.clear(Fault::Garbage);
}

void Playback::fill_random(std::string& bytes, std::size_t from, std::size_t count) {
  for (std::size_t i = from; i < from + count; ++i) {
    bytes[i] = static_cast<char>((*random_)() >> 56U);
  }
}

void Playback::send_body(const std::string& bytes) {
  if (framing_ == BodyFraming::UntilClose) return connection_.write(bytes);
  if (bytes.empty()) return;  // an empty chunk would end the body
  connection_.write(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes));
}

}  // namespace ace::sim
