#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>

#include "proto/mpeg_ts/ts_packet.h"
#include "shared/base/bytes.h"

namespace ace::streams {

/// Announces a seam in each PID that it runs through: a decoder that meets another continuity
/// counter than it awaits, or another time, takes that for damage unless a discontinuity indicator
/// stands before it. Pure.
class SeamMarker {
 public:
  using Sink = std::function<void(ByteSpan packets)>;
  enum class Seam {
    Exact,  ///< what follows goes on where the old end was: marked where counters do not
    Jump,   ///< time jumps too: marked in every PID
  };

  /// A media packet before the seam, the last one of its PID counts.
  void note_end(proto::Pid pid, ByteSpan packet);
  void begin(Seam seam);
  /// Hands packets on, with a marker before the first one of a PID that needs it.
  /// `is_media`: which PIDs are elementary streams.
  void pass(ByteSpan packets, const std::function<bool(proto::Pid)>& is_media, const Sink& sink);
  /// Behind the seam every PID was seen, or so much that the rest can only be new.
  [[nodiscard]] bool is_done() const { return left_ == 0; }
  void clear();

 private:
  [[nodiscard]] bool needs_marker(proto::Pid pid, ByteSpan packet);

  std::map<proto::Pid, std::uint8_t> ends_;  ///< the last counter of each PID
  std::set<proto::Pid> seen_;
  std::size_t left_{};  ///< bytes to look at
  Seam seam_{};
};

}  // namespace ace::streams
