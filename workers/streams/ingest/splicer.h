#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "proto/chunk.h"
#include "proto/mpeg_ts/ts_index.h"
#include "shared/base/bytes.h"
#include "shared/base/clock.h"
#include "workers/streams/ingest/seam_marker.h"

namespace ace::streams {

/// Joins the packets of a new session to those that viewers have got already. Where the new ones
/// begin within the old ones, the repeats are dropped and the rest goes on right behind the old
/// end. Where they do not, they go on at the first random access point, behind their tables and a
/// marker of the jump. Media packets are never changed. Pure: no I/O, no clock.
class Splicer {
 public:
  struct Limits {
    /// New packets that are looked through for a repeat, and for how long from the first one on.
    std::size_t match_bytes{2_MiB};
    std::chrono::milliseconds match_time{300};
    /// Longer, while the new packets' clock says that they are older than the old ones' end, and
    /// comes nearer so fast that it gets there in time.
    std::chrono::milliseconds backlog_time{10'000};
    /// The same for one that goes about as fast as time does.
    std::chrono::milliseconds live_backlog_time{3'000};
    /// The same for a random access point; without one all that was held goes on. Viewers wait:
    /// with a takeover before it, new bytes are there within 1.5 s.
    std::size_t start_bytes{4_MiB};
    std::chrono::milliseconds start_time{1'200};
  };
  /// How much of what viewers got last is worth comparing with.
  static constexpr std::size_t kTailBytes = 4_MiB;

  /// Gets whole packets, valid during the call. Must not call back into the splicer.
  using Sink = std::function<void(ByteSpan packets)>;

  Splicer() = default;
  explicit Splicer(Limits limits) : limits_{limits} {}

  /// Another session begins behind `tail`, oldest first. Without one it passes as it is.
  void begin(std::vector<proto::ChunkPtr> tail);
  /// `packets` is a whole number of packets.
  void feed(ByteSpan packets, SteadyTime now, const Sink& sink);
  /// Now and then, while nothing comes: what is held must not wait for more.
  void on_time(SteadyTime now, const Sink& sink);
  /// The seam is behind us, or there is none: packets pass as they are.
  [[nodiscard]] bool is_passing() const { return phase_ == Phase::Passing; }
  /// And each PID's first packet behind the seam has been looked at: nothing will be added any
  /// more.
  [[nodiscard]] bool is_done() const { return is_passing() && seam_.is_done(); }

 private:
  enum class Phase {
    Passing,
    Matching,  ///< looking for a packet of the tail, or within a run of them
    Seeking,   ///< looking for a random access point
  };
  struct Pcr {
    proto::Pid pid{};
    std::uint64_t ticks{};
  };
  struct ClockReading {
    std::uint64_t ticks{};
    SteadyTime at;
  };

  void index_tail();
  [[nodiscard]] bool is_media(proto::Pid pid) const;
  void note_tail_clock(Pcr pcr);
  void match(ByteSpan raw, SteadyTime now);
  /// On which side of the tail's end the new packets are, by their clock.
  void compare_clocks(const proto::TsPacket& packet, SteadyTime now);
  void judge_backlog(std::uint64_t ticks, SteadyTime now);
  [[nodiscard]] bool is_too_slow(std::uint64_t ticks, SteadyTime now) const;
  /// The place in the tail that this packet alone can stand at.
  [[nodiscard]] std::optional<std::size_t> find_in_tail(proto::Pid pid, ByteSpan raw) const;
  [[nodiscard]] bool is_in_tail(std::size_t place, ByteSpan raw) const;
  [[nodiscard]] bool is_past_matching(SteadyTime now);
  void begin_seeking(SteadyTime now);
  void seek(SteadyTime now, const Sink& sink);
  void start_with(std::size_t offset, const Sink& sink);
  void hand_on(ByteSpan packets, const Sink& sink);
  void pass(SeamMarker::Seam seam);
  void forget();

  Limits limits_;
  Phase phase_{Phase::Passing};

  std::vector<proto::ChunkPtr> tail_chunks_;
  std::vector<const std::byte*> tail_;                     ///< its packets, but fillers
  std::unordered_map<std::uint64_t, std::size_t> places_;  ///< by hash
  std::optional<Pcr> tail_pcr_;                            ///< the last one
  std::uint64_t tail_span_{};                              ///< ticks up to it without a jump

  std::vector<std::byte> held_;  ///< new packets that nothing is decided about
  std::optional<SteadyTime> since_;
  std::optional<std::size_t> run_;              ///< where the next packet must stand in the tail
  std::optional<proto::RawTsPacket> last_;      ///< the new packet before, fillers apart
  std::size_t unmatched_{};                     ///< new packets in a row, fillers apart
  bool is_newer_{};                             ///< the new clock is past the tail's last reference
  bool is_older_{};                             ///< it has not come so far yet
  bool is_another_clock_{};                     ///< it has begun anew: it tells nothing
  std::optional<std::uint64_t> strange_since_;  ///< it reads as the tail, whose packets differ
  std::optional<ClockReading> pace_from_;
  int slow_paces_{};  ///< in a row

  std::size_t sought_{};  ///< bytes of held_ looked at
  /// Has read the tail too: viewers know its tables, and what comes may begin behind its own.
  proto::TsIndex index_;
  SeamMarker seam_;
};

}  // namespace ace::streams
