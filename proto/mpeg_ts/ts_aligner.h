#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "proto/chunk.h"
#include "shared/base/bytes.h"

namespace ace::proto {

inline constexpr std::byte kTsSyncByte{0x47};

/// Realigns arbitrary bytes to whole 188-byte MPEG-TS packets. Packets that lie in 192 bytes (four
/// of a time stamp before each, as in m2ts files) or in 204 (sixteen of error correction behind
/// each) are taken out of them. What comes out depends on the bytes alone, never on how they were
/// cut. Pure: no I/O, no clock, no allocation.
class TsAligner {
 public:
  /// Random bytes at 8 Mbit/s have three sync bytes in the right places every 17 s, and eight once
  /// in 580,000 years. Waiting for them costs a session's start the time of 1.3 KB.
  static constexpr std::size_t kProvenPackets = 7;
  /// Of foreign bytes from the end of one packet to the next one.
  static constexpr std::array<std::size_t, 3> kGaps{0, 4, 16};
  /// The proof_size() of the widest gap.
  static constexpr std::size_t kLongestProof = kProvenPackets * (kTsPacketSize + kGaps.back()) + 1;
  [[nodiscard]] static constexpr std::size_t proof_size(std::size_t gap) {
    return kProvenPackets * (kTsPacketSize + gap) + 1;
  }

  /// Where in a run of packets an aligner stands, beside the bytes that it holds.
  struct Place {
    std::size_t gap{};       ///< one of kGaps
    std::size_t gap_left{};  ///< of the gap before the next packet, to be passed over
    bool operator==(const Place&) const = default;
  };

  /// Gets one or more whole packets, in order; they are valid during the call. Must neither call
  /// back into the aligner nor destroy it.
  using Sink = std::function<void(ByteSpan packets)>;

  /// Packets come straight out of `bytes`; only one that lies across two feeds is copied. Bytes
  /// outside a run of packets are dropped and counted: forwarding them desynchronises players. A
  /// run begins where eight sync bytes stand 188, 192 or 204 apart, and ends where one is missing.
  void feed(ByteSpan bytes, const Sink& sink);

  /// For a session that another aligner has read until now and was aligned: what is fed first is
  /// what that one held.
  void continue_run(Place place) {
    is_aligned_ = true;
    place_ = place;
  }

  /// For a new session: what is held is dropped and counted, so that it is never glued to bytes of
  /// another origin, and sync must be found anew. Counters stay.
  void reset();

  [[nodiscard]] bool is_aligned() const { return is_aligned_; }
  /// Means something while it is aligned.
  [[nodiscard]] Place place() const { return place_; }
  /// Bytes taken in that wait for the rest of their packet, or for proof of alignment.
  [[nodiscard]] std::size_t held() const { return held_size_; }
  /// The same.
  [[nodiscard]] ByteSpan held_bytes() const { return {held_.data(), held_size_}; }
  [[nodiscard]] std::uint64_t dropped_bytes() const { return dropped_bytes_; }
  /// What lay in the gaps.
  [[nodiscard]] std::uint64_t unwrapped_bytes() const { return unwrapped_bytes_; }
  /// Times a run of packets broke off in the middle of a session.
  [[nodiscard]] std::uint64_t sync_losses() const { return sync_losses_; }

 private:
  [[nodiscard]] ByteSpan search(ByteSpan bytes);
  [[nodiscard]] ByteSpan search_held(ByteSpan bytes, const Sink& sink);
  [[nodiscard]] ByteSpan pass_packets(ByteSpan bytes, const Sink& sink);
  [[nodiscard]] ByteSpan pass_gap(ByteSpan bytes);
  [[nodiscard]] ByteSpan complete_held(ByteSpan bytes, const Sink& sink);
  /// Copies from the front of `bytes` until `target` bytes are held; returns what is left over.
  [[nodiscard]] ByteSpan hold_up_to(std::size_t target, ByteSpan bytes);
  void drop_held(std::size_t count);

  std::array<std::byte, kLongestProof> held_{};
  std::size_t held_size_{};
  bool is_aligned_{};
  Place place_;
  std::uint64_t dropped_bytes_{};
  std::uint64_t unwrapped_bytes_{};
  std::uint64_t sync_losses_{};
};

}  // namespace ace::proto
