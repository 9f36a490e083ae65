#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "proto/chunk.h"
#include "shared/loop/timer.h"

namespace ace::streams {

/// When a chunk is cut: large ones at high rates (the number of writes is the cost of fan-out),
/// young ones at low rates.
struct ChunkLimits {
  std::size_t max_bytes{320_KiB};          ///< rounded down to whole packets, at least one
  std::chrono::milliseconds max_age{100};  ///< of the oldest byte, at most
};

/// Gathers whole TS packets and cuts chunks out of them. While packets come it cuts at least every
/// `max_age`, and asks for them just before, so that their source need not tell of each one.
class ChunkBuilder {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    /// From within add(), flush() or the timer. May call discard(); must not destroy the builder.
    virtual void on_chunk(proto::ChunkPtr chunk) = 0;
    /// A chunk will be cut of what is there after this call: the moment to add() what waits
    /// elsewhere. May call discard(); must not destroy the builder.
    virtual void on_chunk_due() = 0;
  };

  /// The listener must outlive the builder.
  ChunkBuilder(ChunkLimits limits, loop::TimerFactory& timers, Listener& listener);
  ChunkBuilder(const ChunkBuilder&) = delete;
  ChunkBuilder& operator=(const ChunkBuilder&) = delete;

  /// `packets` is a whole number of packets, at least one.
  void add(ByteSpan packets);
  /// The session ends well: what waits becomes a last chunk.
  void flush();
  /// The session is not ours any more: what waits is forgotten.
  void discard();

  [[nodiscard]] std::size_t waiting_bytes() const { return staging_.size(); }

 private:
  void stage(ByteSpan packets);
  void on_due();
  void cut_staged();
  void cut(ByteSpan payload);

  std::size_t max_bytes_;
  std::chrono::milliseconds max_age_;
  Listener& listener_;
  std::vector<std::byte> staging_;  ///< reserved once, never grows
  std::unique_ptr<loop::Timer> age_timer_;
  std::uint64_t generation_{};  ///< one more with every discard()
};

}  // namespace ace::streams
