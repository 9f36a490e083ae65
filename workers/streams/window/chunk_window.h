#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "proto/chunk.h"
#include "proto/ids.h"
#include "proto/mpeg_ts/ts_index.h"
#include "shared/base/clock.h"
#include "workers/streams/window/chunk_print.h"

namespace ace::streams {

/// Place of a chunk in one worker's window: 1, 2, 3 … in the order of arrival, whatever epoch or
/// index the chunk has. Means nothing to another process.
struct WindowPosition {
  std::uint64_t value{};
  constexpr auto operator<=>(const WindowPosition&) const = default;
};

/// The buffer of a stream as one process knows it, shared by all of its clients here. The recent
/// chunks are in memory. Of older ones that can be read back, only what they were is known. Both
/// parts are bounded; the newest chunk always stays.
class ChunkWindow {
 public:
  /// Whichever is reached first.
  struct Limits {
    std::chrono::milliseconds span{10'000};
    std::size_t bytes{32U << 20U};
    std::size_t chunks{1000};
  };
  struct Item {
    proto::OwnerEpoch epoch;
    proto::ChunkIndex index;
    proto::ChunkPtr chunk;  ///< null once it is not in memory any more
    SteadyTime arrived;
    /// By the stream's own clock (PCR), at the chunk's end; stays 0 where it has none.
    std::chrono::nanoseconds media_time{};
    /// Where in the chunk a decoder can begin; null: nowhere.
    std::shared_ptr<const proto::RandomAccessPoint> random_access{};
    ChunkPrint print{};  ///< of a chunk that is not in memory any more
  };

  /// `buffer`: memory included. Without one of its own, nothing is known but what is in memory.
  /// `reach`: so far back the newest random access point stays in memory, and what is behind it,
  /// for who joins; and no further back does anybody begin who wants no delay.
  ChunkWindow(Limits memory, Limits buffer, Limits reach)
      : memory_{memory}, buffer_{buffer}, reach_{reach} {}
  ChunkWindow(Limits memory, Limits buffer) : ChunkWindow{memory, buffer, memory} {}
  explicit ChunkWindow(Limits memory) : ChunkWindow{memory, memory, memory} {}

  void push(Item item);
  /// A random access point that shows only now: its packet lies `point.offset` bytes before the end
  /// of what has been pushed.
  void add_entry(proto::RandomAccessPoint point);
  /// An empty window becomes what another one was; chunks that were not in memory there are not
  /// here either, and stand before the others.
  void restore(std::vector<Item> items);
  /// Chunks up to this one can be read back: they may leave memory.
  void on_stored(proto::ChunkCursor newest);
  /// Nothing can be read back now: all of the buffer stays in memory that is there.
  void keep_all(bool is_on) { keeps_all_ = is_on; }
  /// Memory is short: beyond so many bytes chunks leave it, stored or not.
  void hold_at_most(std::size_t bytes);
  void clear();

  /// The chunk at a place; nullptr when it is not in memory any more, or yet to come.
  [[nodiscard]] const Item* at(WindowPosition position) const;
  /// The same for all of the buffer; the chunk may be null.
  [[nodiscard]] const Item* known_at(WindowPosition position) const;
  /// Where the next chunk to come will stand: the live edge.
  [[nodiscard]] WindowPosition edge() const { return {first_ + items_.size()}; }
  /// In memory.
  [[nodiscard]] WindowPosition oldest() const { return {first_ + dropped_}; }
  /// In memory or not.
  [[nodiscard]] WindowPosition oldest_known() const { return {first_}; }
  /// The random access point that a client which joins now begins with: the oldest one that is at
  /// most `burst` of media behind the newest chunk, else the newest one further back within the
  /// reach. Nothing: there is none in memory.
  [[nodiscard]] std::optional<WindowPosition> entry_within(std::chrono::milliseconds burst) const;
  /// So much has gone by without a random access point that none is to be expected.
  [[nodiscard]] bool has_no_entries() const;
  /// Where a client begins that can have none: `burst` behind the newest chunk, within memory.
  [[nodiscard]] WindowPosition position_behind(std::chrono::milliseconds burst) const;
  /// Where one begins that wants to be `delay` behind: the oldest random access point of the buffer
  /// that is not further back, else the newest one that is, else (there is none) at `delay`.
  [[nodiscard]] WindowPosition delayed_position(std::chrono::milliseconds delay) const;
  /// How far behind live a chunk is: by media, and by the time since the newest one came.
  [[nodiscard]] std::chrono::nanoseconds age_at(const Item& item, SteadyTime now) const;
  /// The newest random access point in memory, else the newest chunk.
  [[nodiscard]] WindowPosition newest_entry() const;
  /// Right behind the last chunk that a client got from another worker, in memory or not. Nothing:
  /// this window has not come so far. The two workers may know one chunk under different epochs (an
  /// owner keeps what came before its new lease under the old one, a follower sees it committed
  /// under the new one), so within an unbroken run of indices the index alone decides. The epoch
  /// only tells runs apart: indices begin anew where a stream lost both its owner and Redis'
  /// memory, and whoever has not seen the younger run begins at its front.
  [[nodiscard]] std::optional<WindowPosition> behind(proto::ChunkCursor cursor) const;
  [[nodiscard]] bool empty() const { return items_.empty(); }
  /// In memory.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  [[nodiscard]] std::chrono::nanoseconds age_of(const Item& item) const;
  using Items = std::deque<Item>;
  /// Of the chunks from `from` on, the first one that is at most so old; there is one.
  [[nodiscard]] Items::const_iterator first_within(std::chrono::milliseconds age,
                                                   Items::const_iterator from) const;
  /// The oldest random access point in [border, end), else the newest in [from, border), else end.
  [[nodiscard]] Items::const_iterator entry_near(Items::const_iterator from,
                                                 Items::const_iterator border) const;
  [[nodiscard]] bool is_within_reach(Items::const_iterator entry) const;
  [[nodiscard]] WindowPosition position_of(Items::const_iterator item) const;
  [[nodiscard]] bool may_drop_oldest_chunk() const;
  /// Where the run begins that ends before `end`: in it, indices grow.
  [[nodiscard]] std::size_t run_before(std::size_t end) const;
  [[nodiscard]] bool exceeds(const Limits& limits, std::size_t from, std::size_t bytes) const;
  void forget_oldest();
  void drop_oldest_chunk();
  void shrink();

  Limits memory_;
  Limits buffer_;
  Limits reach_;
  Items items_;
  WindowPosition newest_entry_{};  ///< 0: none has been seen
  std::uint64_t first_{1};
  std::size_t dropped_{};        ///< items at the front whose chunks are not in memory
  std::size_t bytes_{};          ///< of those in memory
  std::size_t dropped_bytes_{};  ///< of those that are not
  WindowPosition stored_{1};     ///< what lies before it can be read back
  bool keeps_all_{};
  std::size_t most_bytes_{std::numeric_limits<std::size_t>::max()};  ///< in memory
};

}  // namespace ace::streams
