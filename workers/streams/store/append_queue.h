#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "proto/chunk.h"
#include "proto/ids.h"

namespace ace::streams {

/// Chunks of an owner that Redis has not confirmed, oldest first and without holes. The front part
/// is in flight, the rest waits. Bounded: over its bytes the oldest waiting chunks are given up and
/// become one run to skip. Pure.
class AppendQueue {
 public:
  struct Item {
    proto::ChunkIndex first;
    proto::ChunkIndex last;   ///< first, unless a run is skipped
    proto::ChunkPtr chunk{};  ///< nothing: to be skipped
    int missing_stages{};     ///< times that its payload had vanished before the commit
    bool found_no_room{};     ///< its payload was refused, and is sent again
    bool has_no_room{};       ///< becomes a skip once it is not in flight any more
    [[nodiscard]] bool is_skip() const { return chunk == nullptr; }
    [[nodiscard]] std::size_t bytes() const { return chunk ? chunk->size() : 0; }
  };

  AppendQueue(proto::ChunkIndex committed, std::size_t max_bytes)
      : committed_{committed}, next_{committed.next()}, max_bytes_{max_bytes} {}

  /// The next index there can be.
  [[nodiscard]] proto::ChunkIndex next() const { return next_; }
  [[nodiscard]] proto::ChunkIndex committed() const { return committed_; }
  void push(proto::ChunkPtr chunk);
  /// The next one will be `next`: those before it are not there, one run to skip.
  void leave_out(proto::ChunkIndex next);

  [[nodiscard]] bool has_unsent() const { return sent_ < items_.size(); }
  /// The oldest one that waits; demands has_unsent().
  [[nodiscard]] const Item& unsent() const { return items_[sent_]; }
  void mark_sent();
  /// Nothing is in flight any more: all waits again.
  void unsend_all();

  /// Redis holds all up to `index`.
  void commit(proto::ChunkIndex index);
  /// The item that begins at `index`; null if it is gone.
  [[nodiscard]] Item* find(proto::ChunkIndex index);

  [[nodiscard]] bool is_empty() const { return items_.empty(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t bytes_in_flight() const { return bytes_in_flight_; }
  /// Chunks that Redis never got.
  [[nodiscard]] std::uint64_t given_up() const { return given_up_; }

 private:
  void shrink();
  void give_up(Item& item);

  std::deque<Item> items_;
  std::size_t sent_{};  ///< items in flight, from the front
  proto::ChunkIndex committed_;
  proto::ChunkIndex next_;
  std::size_t max_bytes_;
  std::size_t bytes_{};
  std::size_t bytes_in_flight_{};
  std::uint64_t given_up_{};
};

}  // namespace ace::streams
