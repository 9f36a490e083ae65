#include "workers/streams/ingest/splicer.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "proto/mpeg_ts/discontinuity_marker.h"

namespace ace::streams {
namespace {

using proto::kPcrWrap;
using proto::kTsPacketSize;

/// So many packets that stand nowhere in the tail, and a newer clock: there is no overlap.
constexpr std::size_t kSureAfter = 8;
/// A hash that stands at several places of the tail names none of them.
constexpr std::size_t kAmbiguous = SIZE_MAX;
/// A clock that is further back than this is another clock.
constexpr std::uint64_t kLongestBacklog = 600 * proto::kPcrHz;

/// A tail whose clock goes on by more at once has a seam there.
constexpr std::uint64_t kTailJump = 2 * proto::kPcrHz;
/// So long, by its own clock, a repeat would not go unrecognised.
constexpr std::uint64_t kSureStrange = proto::kPcrHz / 5;
/// How fast a backlog comes is measured again and again. Twice too slow is too slow: engines pause
/// before a burst.
constexpr std::chrono::milliseconds kPaceTime{300};
constexpr int kSlowPaces = 2;

std::uint64_t ticks_of(std::chrono::nanoseconds time) {
  constexpr std::uint64_t kNanosecondsPerMicrosecond = 1'000;
  return static_cast<std::uint64_t>(time.count()) / kNanosecondsPerMicrosecond * proto::kPcrHz /
         1'000'000;
}

std::uint64_t hash_of(const std::byte* packet) {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(packet), kTsPacketSize});
}

/// Packets that we or a multiplexer put in anywhere: no part of what a stream says.
bool is_filler(proto::Pid pid, ByteSpan raw) {
  return pid == proto::kNullPid || proto::is_discontinuity_marker(raw);
}

}  // namespace

void Splicer::begin(std::vector<proto::ChunkPtr> tail) {
  forget();
  tail_chunks_ = std::move(tail);
  index_tail();
  if (!tail_.empty()) phase_ = Phase::Matching;
}

void Splicer::index_tail() {
  for (const auto& chunk : tail_chunks_) {
    const auto payload = chunk->payload();
    for (std::size_t at = 0; at + kTsPacketSize <= payload.size(); at += kTsPacketSize) {
      const auto raw = payload.subspan(at, kTsPacketSize);
      const auto packet = proto::parse_ts_packet(raw);
      if (is_filler(packet.pid, raw)) continue;
      if (packet.pcr) note_tail_clock({packet.pid, *packet.pcr});
      tail_.push_back(raw.data());
    }
    static_cast<void>(index_.scan(payload));
  }
  for (std::size_t place = 0; place < tail_.size(); ++place) {
    const ByteSpan raw{tail_[place], kTsPacketSize};
    const auto pid = proto::parse_ts_packet(raw).pid;
    if (!is_media(pid)) continue;
    seam_.note_end(pid, raw);
    const auto [found, is_new] = places_.try_emplace(hash_of(tail_[place]), place);
    if (!is_new) found->second = kAmbiguous;
  }
}

void Splicer::note_tail_clock(Pcr pcr) {
  const bool is_same = tail_pcr_ && tail_pcr_->pid == pcr.pid;
  const auto step = is_same ? (pcr.ticks + kPcrWrap - tail_pcr_->ticks) % kPcrWrap : kTailJump;
  tail_span_ = step < kTailJump ? tail_span_ + step : 0;
  tail_pcr_ = pcr;
}

bool Splicer::is_media(proto::Pid pid) const {
  // A table comes again and again, and every sixteenth time with the same bytes.
  return pid >= proto::kFirstFreePid && !index_.tables().is_table(pid);
}

void Splicer::feed(ByteSpan packets, SteadyTime now, const Sink& sink) {
  if (phase_ != Phase::Passing && !since_ && !packets.empty()) since_ = now;
  while (phase_ == Phase::Matching && !packets.empty()) {
    match(packets.first(kTsPacketSize), now);
    packets = packets.subspan(kTsPacketSize);
    if (phase_ == Phase::Matching && is_past_matching(now)) begin_seeking(now);
  }
  if (phase_ == Phase::Seeking) {
    held_.insert(held_.end(), packets.begin(), packets.end());
    seek(now, sink);
  } else if (phase_ == Phase::Passing && !packets.empty()) {
    hand_on(packets, sink);
  }
}

void Splicer::hand_on(ByteSpan packets, const Sink& sink) {
  if (seam_.is_done()) {
    sink(packets);
    return;
  }
  const auto can_be_marked = [this](proto::Pid pid) {
    return pid != proto::kNullPid && is_media(pid);
  };
  seam_.pass(packets, can_be_marked, sink);
  if (seam_.is_done()) forget();
}

void Splicer::on_time(SteadyTime now, const Sink& sink) {
  if (!since_) return;
  if (phase_ == Phase::Matching && is_past_matching(now)) begin_seeking(now);
  if (phase_ == Phase::Seeking) seek(now, sink);
}

void Splicer::begin_seeking(SteadyTime now) {
  // Viewers have got that, or would have.
  if (is_older_ && !is_another_clock_) held_.clear();
  phase_ = Phase::Seeking;
  since_ = now;
}

void Splicer::match(ByteSpan raw, SteadyTime now) {
  const auto packet = proto::parse_ts_packet(raw);
  if (is_filler(packet.pid, raw)) {
    if (!run_) held_.insert(held_.end(), raw.begin(), raw.end());
    return;
  }
  compare_clocks(packet, now);
  if (run_ && !is_in_tail(*run_, raw)) run_.reset();
  if (!run_) {
    run_ = find_in_tail(packet.pid, raw);
    // By itself, a packet that merely looks the same would do: its neighbours must agree.
    if (run_ && *run_ > 0 && last_ && !is_in_tail(*run_ - 1, *last_)) run_.reset();
  }
  std::ranges::copy(raw, last_.emplace().begin());
  if (!run_) {
    ++unmatched_;
    held_.insert(held_.end(), raw.begin(), raw.end());
    return;
  }
  // It stands in the tail, and so, or before it, does all that came until now.
  held_.clear();
  unmatched_ = 0;
  strange_since_.reset();
  if (++*run_ == tail_.size()) pass(SeamMarker::Seam::Exact);
}

void Splicer::compare_clocks(const proto::TsPacket& packet, SteadyTime now) {
  if (!packet.pcr || !tail_pcr_ || packet.pid != tail_pcr_->pid) return;
  const auto ahead = (*packet.pcr + kPcrWrap - tail_pcr_->ticks) % kPcrWrap;
  const bool was_older = is_older_;
  is_newer_ = ahead != 0 && ahead < kPcrWrap / 2;
  is_older_ = !is_newer_ && (kPcrWrap - ahead) % kPcrWrap < kLongestBacklog;
  if (was_older && is_newer_) held_.clear();  // it was a backlog, and viewers have got it
  if (is_older_ && !run_) judge_backlog(*packet.pcr, now);
}

void Splicer::judge_backlog(std::uint64_t ticks, SteadyTime now) {
  // An engine begins a session with what it has of the past. But the clock of one that has begun
  // anew reads as older, too: its packets are not those that stand in the tail at that time, or it
  // would not come so far in time.
  if ((tail_pcr_->ticks + kPcrWrap - ticks) % kPcrWrap <= tail_span_) {
    if (!strange_since_) strange_since_ = ticks;
    const auto strange = (ticks + kPcrWrap - *strange_since_) % kPcrWrap;
    if (strange >= kSureStrange) is_another_clock_ = true;
  }
  if (!pace_from_) pace_from_ = ClockReading{ticks, now};
  if (now - pace_from_->at < kPaceTime) return;
  slow_paces_ = is_too_slow(ticks, now) ? slow_paces_ + 1 : 0;
  if (slow_paces_ == kSlowPaces) is_another_clock_ = true;
  pace_from_ = ClockReading{ticks, now};
}

bool Splicer::is_too_slow(std::uint64_t ticks, SteadyTime now) const {
  const auto passed = (ticks + kPcrWrap - pace_from_->ticks) % kPcrWrap;
  const auto time = ticks_of(now - pace_from_->at);
  if (passed == 0 || passed > kPcrWrap / 2) return true;
  const bool is_burst = passed > 2 * time;
  const auto patience = ticks_of(is_burst ? limits_.backlog_time : limits_.live_backlog_time);
  const auto waited = ticks_of(now - *since_);
  // As far as the tail's beginning: from there on the packets tell.
  const auto behind = (tail_pcr_->ticks + kPcrWrap - ticks) % kPcrWrap;
  const auto left = behind - std::min(behind, tail_span_);
  const auto needed =
      static_cast<double>(left) * static_cast<double>(time) / static_cast<double>(passed);
  return static_cast<double>(waited) + needed > static_cast<double>(patience);
}

std::optional<std::size_t> Splicer::find_in_tail(proto::Pid pid, ByteSpan raw) const {
  if (!is_media(pid)) return std::nullopt;
  const auto found = places_.find(hash_of(raw.data()));
  if (found == places_.end() || found->second == kAmbiguous) return std::nullopt;
  if (!is_in_tail(found->second, raw)) return std::nullopt;
  return found->second;
}

bool Splicer::is_in_tail(std::size_t place, ByteSpan raw) const {
  return std::memcmp(tail_[place], raw.data(), kTsPacketSize) == 0;
}

bool Splicer::is_past_matching(SteadyTime now) {
  if (run_) return false;
  if (is_another_clock_) return true;
  if (is_older_ && now - *since_ < limits_.backlog_time) {
    // Kept only for the case that the clock turns out to be another one.
    if (held_.size() >= limits_.match_bytes) held_.clear();
    return false;
  }
  if (unmatched_ >= kSureAfter && is_newer_) return true;
  return held_.size() >= limits_.match_bytes || now - *since_ >= limits_.match_time;
}

void Splicer::seek(SteadyTime now, const Sink& sink) {
  const auto begin = std::exchange(sought_, held_.size());
  const auto scanned = index_.scan(ByteSpan{held_}.subspan(begin));
  if (const auto& point = scanned.earlier; point && point->offset <= begin) {
    sink(point->tables);
    return start_with(begin - point->offset, sink);
  }
  if (const auto& point = scanned.random_access) {
    sink(point->tables);
    return start_with(begin + point->offset, sink);
  }
  if (held_.size() < limits_.start_bytes && now - *since_ < limits_.start_time) return;
  if (!held_.empty()) start_with(0, sink);
}

void Splicer::start_with(std::size_t offset, const Sink& sink) {
  const auto rest = std::exchange(held_, {});
  pass(SeamMarker::Seam::Jump);
  hand_on(ByteSpan{rest}.subspan(offset), sink);
}

void Splicer::pass(SeamMarker::Seam seam) {
  phase_ = Phase::Passing;
  // Megabytes that are needed once in the life of a session.
  tail_chunks_.clear();
  tail_ = {};
  places_ = {};
  tail_pcr_.reset();
  tail_span_ = 0;
  held_ = {};
  since_.reset();
  run_.reset();
  last_.reset();
  unmatched_ = 0;
  is_newer_ = false;
  is_older_ = false;
  is_another_clock_ = false;
  strange_since_.reset();
  pace_from_.reset();
  slow_paces_ = 0;
  sought_ = 0;
  seam_.begin(seam);
}

void Splicer::forget() {
  pass(SeamMarker::Seam::Exact);
  index_ = {};
  seam_.clear();
}

}  // namespace ace::streams
