#include "workers/streams/ingest/splicer.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

namespace ace::streams {
namespace {

using proto::kTsPacketSize;
using proto::PacketView;

/// So many packets that stand nowhere in the tail, and a newer clock: there is no overlap.
constexpr std::size_t kSureAfter = 8;
/// A hash that stands at several places of the tail names none of them.
constexpr std::size_t kAmbiguous = SIZE_MAX;
constexpr std::uint64_t kPcrMask = (std::uint64_t{1} << 33U) - 1;
/// A clock that is further back than this is another clock.
constexpr std::uint64_t kLongestBacklog = std::uint64_t{600} * 90'000;

std::uint64_t hash_of(const std::byte* packet) {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(packet), kTsPacketSize});
}

/// Packets that we or a multiplexer put in anywhere: no part of what a stream says.
bool is_filler(PacketView packet) { return packet.is_null() || packet.is_discontinuity_marker(); }

PacketView::Bytes packet_at(const std::byte* at) { return PacketView::Bytes{at, kTsPacketSize}; }

}  // namespace

void Splicer::begin(std::vector<proto::ChunkPtr> tail) {
  pass();
  tail_chunks_ = std::move(tail);
  index_tail();
  if (!tail_.empty()) phase_ = Phase::Matching;
}

void Splicer::index_tail() {
  for (const auto& chunk : tail_chunks_) {
    const auto payload = chunk->payload();
    for (std::size_t at = 0; at + kTsPacketSize <= payload.size(); at += kTsPacketSize) {
      const PacketView packet{packet_at(payload.data() + at)};
      if (is_filler(packet)) continue;
      std::uint64_t base{};
      if (packet.read_pcr(base)) tail_pcr_ = Pcr{packet.pid(), base};
      if (packet.is_pat()) pmt_pids_ = packet.pmt_pids();
      tail_.push_back(payload.data() + at);
    }
  }
  for (std::size_t place = 0; place < tail_.size(); ++place) {
    if (!is_media(PacketView{packet_at(tail_[place])})) continue;
    const auto [found, is_new] = places_.try_emplace(hash_of(tail_[place]), place);
    if (!is_new) found->second = kAmbiguous;
  }
}

bool Splicer::is_media(PacketView packet) const {
  // A table comes again and again, and every sixteenth time with the same bytes.
  const auto pid = packet.pid();
  return pid >= PacketView::kFirstFreePid && std::ranges::find(pmt_pids_, pid) == pmt_pids_.end();
}

void Splicer::feed(ByteSpan packets, SteadyTime now, const Sink& sink) {
  if (phase_ != Phase::Passing && !since_ && !packets.empty()) since_ = now;
  while (phase_ == Phase::Matching && !packets.empty()) {
    match(packets.first<kTsPacketSize>());
    packets = packets.subspan(kTsPacketSize);
    if (phase_ == Phase::Matching && is_past_matching(now)) begin_seeking(now);
  }
  if (phase_ == Phase::Seeking) {
    held_.insert(held_.end(), packets.begin(), packets.end());
    seek(now, sink);
  } else if (phase_ == Phase::Passing && !packets.empty()) {
    sink(packets);
  }
}

void Splicer::on_time(SteadyTime now, const Sink& sink) {
  if (!since_) return;
  if (phase_ == Phase::Matching && is_past_matching(now)) begin_seeking(now);
  if (phase_ == Phase::Seeking) seek(now, sink);
}

void Splicer::begin_seeking(SteadyTime now) {
  phase_ = Phase::Seeking;
  since_ = now;
}

void Splicer::match(Packet bytes) {
  const PacketView packet{bytes};
  if (is_filler(packet)) {
    if (!run_) held_.insert(held_.end(), bytes.begin(), bytes.end());
    return;
  }
  std::uint64_t base{};
  if (tail_pcr_ && packet.pid() == tail_pcr_->pid && packet.read_pcr(base)) {
    const auto ahead = (base - tail_pcr_->base) & kPcrMask;
    is_newer_ = ahead != 0 && ahead <= kPcrMask / 2;
    is_older_ = !is_newer_ && ((kPcrMask + 1 - ahead) & kPcrMask) < kLongestBacklog;
  }
  if (run_ && !is_in_tail(*run_, bytes)) run_.reset();
  if (!run_) {
    run_ = find_in_tail(packet);
    // By itself, a packet that merely looks the same would do: its neighbours must agree.
    if (run_ && *run_ > 0 && last_ && !is_in_tail(*run_ - 1, *last_)) run_.reset();
  }
  std::ranges::copy(bytes, last_.emplace().begin());
  if (!run_) {
    ++unmatched_;
    held_.insert(held_.end(), bytes.begin(), bytes.end());
    return;
  }
  // It stands in the tail, and so, or before it, does all that came until now.
  held_.clear();
  unmatched_ = 0;
  if (++*run_ == tail_.size()) pass();
}

std::optional<std::size_t> Splicer::find_in_tail(PacketView packet) const {
  if (!is_media(packet)) return std::nullopt;
  const auto found = places_.find(hash_of(packet.bytes().data()));
  if (found == places_.end() || found->second == kAmbiguous) return std::nullopt;
  if (!is_in_tail(found->second, packet.bytes())) return std::nullopt;
  return found->second;
}

bool Splicer::is_in_tail(std::size_t place, Packet packet) const {
  return std::memcmp(tail_[place], packet.data(), kTsPacketSize) == 0;
}

bool Splicer::is_past_matching(SteadyTime now) {
  if (run_) return false;
  if (is_older_ && now - *since_ < limits_.backlog_time) {
    // Engines begin a session with what they have of the past. Viewers have got that.
    held_.clear();
    return false;
  }
  if (unmatched_ >= kSureAfter && is_newer_) return true;
  return held_.size() >= limits_.match_bytes || now - *since_ >= limits_.match_time;
}

void Splicer::seek(SteadyTime now, const Sink& sink) {
  for (; sought_ < held_.size(); sought_ += kTsPacketSize) {
    const PacketView packet{packet_at(held_.data() + sought_)};
    note_tables(packet);
    if (!packet.is_random_access()) continue;
    if (pat_) sink(*pat_);
    for (const auto& [pid, pmt] : pmts_) sink(pmt);
    return start_with(sought_, sink);
  }
  if (held_.size() < limits_.start_bytes && now - *since_ < limits_.start_time) return;
  if (!held_.empty()) start_with(0, sink);
}

void Splicer::note_tables(PacketView packet) {
  const auto copy_to = [&packet](proto::RawTsPacket& table) {
    std::ranges::copy(packet.bytes(), table.begin());
  };
  if (packet.is_pat()) {
    pmt_pids_ = packet.pmt_pids();
    copy_to(pat_.emplace());
  } else if (std::ranges::find(pmt_pids_, packet.pid()) != pmt_pids_.end()) {
    copy_to(pmts_[packet.pid()]);
  }
}

void Splicer::start_with(std::size_t offset, const Sink& sink) {
  const auto rest = std::exchange(held_, {});
  for (auto at = offset; at < rest.size(); at += kTsPacketSize) {
    const PacketView packet{packet_at(rest.data() + at)};
    if (is_filler(packet) || !is_media(packet)) continue;
    sink(proto::discontinuity_marker(packet));
    break;
  }
  pass();
  sink(ByteSpan{rest}.subspan(offset));
}

void Splicer::pass() {
  phase_ = Phase::Passing;
  // Megabytes that are needed once in the life of a session.
  tail_chunks_.clear();
  tail_ = {};
  places_ = {};
  pmt_pids_.clear();
  tail_pcr_.reset();
  held_ = {};
  since_.reset();
  run_.reset();
  last_.reset();
  unmatched_ = 0;
  is_newer_ = false;
  is_older_ = false;
  sought_ = 0;
  pat_.reset();
  pmts_.clear();
}

}  // namespace ace::streams
