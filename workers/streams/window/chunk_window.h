#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "proto/chunk.h"
#include "proto/ids.h"
#include "proto/mpeg_ts/ts_index.h"
#include "shared/base/clock.h"

namespace ace::streams {

/// Place of a chunk in one worker's window: 1, 2, 3 … in the order of arrival, whatever epoch or
/// index the chunk has. Means nothing to another process.
struct WindowPosition {
  std::uint64_t value{};
  constexpr auto operator<=>(const WindowPosition&) const = default;
};

/// The recent chunks of a stream in this process, shared by all of its clients here. Bounded in
/// time and in bytes, whichever is reached first; it always keeps the newest chunk.
class ChunkWindow {
 public:
  struct Limits {
    std::chrono::milliseconds span{10'000};
    std::size_t bytes{32U << 20U};
  };
  struct Item {
    proto::OwnerEpoch epoch;
    proto::ChunkIndex index;
    proto::ChunkPtr chunk;
    SteadyTime arrived;
    /// By the stream's own clock (PCR), at the chunk's end; stays 0 where it has none.
    std::chrono::nanoseconds media_time{};
    /// Where in the chunk a decoder can begin; null: nowhere.
    std::shared_ptr<const proto::RandomAccessPoint> random_access{};
  };

  explicit ChunkWindow(Limits limits) : limits_{limits} {}

  void push(Item item);
  void clear();

  /// The chunk at a place; nullptr when it has left the window or is yet to come.
  [[nodiscard]] const Item* at(WindowPosition position) const;
  /// Where the next chunk to come will stand: the live edge.
  [[nodiscard]] WindowPosition edge() const { return {first_ + items_.size()}; }
  [[nodiscard]] WindowPosition oldest() const { return {first_}; }
  /// Where a client that joins now begins: with the oldest random access point that is at most
  /// `burst` of media behind the newest chunk, else with the newest one further back, else (nothing
  /// is known of any) `burst` behind.
  [[nodiscard]] WindowPosition join_position(std::chrono::milliseconds burst) const;
  /// Right behind the last chunk that a client got from another worker. Nothing: this window has
  /// not come so far. The two workers may know one chunk under different epochs (an owner keeps
  /// what came before its new lease under the old one, a follower sees it committed under the new
  /// one), so within an unbroken run of indices the index alone decides. The epoch only tells runs
  /// apart: indices begin anew where a stream lost both its owner and Redis' memory, and whoever
  /// has not seen the younger run begins at its front.
  [[nodiscard]] std::optional<WindowPosition> behind(proto::ChunkCursor cursor) const;
  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  [[nodiscard]] std::chrono::nanoseconds age_of(const Item& item) const;
  /// Where the run begins that ends before `end`: in it, indices grow.
  [[nodiscard]] std::size_t run_before(std::size_t end) const;

  Limits limits_;
  std::deque<Item> items_;
  std::uint64_t first_{1};
  std::size_t bytes_{};
};

}  // namespace ace::streams
