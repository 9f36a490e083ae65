#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "shared/base/bytes.h"

namespace ace::proto {

inline constexpr std::size_t kTsPacketSize = 188;

/// Largest chunk that is believed when it comes out of Redis.
inline constexpr std::size_t kMaxChunkBytes = 8U << 20U;

/// A run of whole TS packets, immutable once it is shared. In memory the payload lies inside its
/// own HTTP/1.1 chunk framing (eight-digit size line before, CRLF after), so that a client of
/// either framing is served by one plain send() from one contiguous buffer: below 32 KiB a call,
/// calls are the whole cost of fan-out, and joining three pieces costs 3-10 % more than one.
class Chunk {
 public:
  /// Room for `size` payload bytes, which the caller writes through mutable_payload() before it
  /// shares the chunk.
  [[nodiscard]] static std::shared_ptr<Chunk> allocate(std::size_t size);
  [[nodiscard]] static std::shared_ptr<const Chunk> copy_of(ByteSpan payload);

  [[nodiscard]] std::span<std::byte> mutable_payload() { return {data_.get() + kHead, size_}; }
  [[nodiscard]] ByteSpan payload() const { return {data_.get() + kHead, size_}; }
  /// The payload as one chunk of HTTP/1.1 chunked coding.
  [[nodiscard]] ByteSpan framed() const { return {data_.get(), kHead + size_ + kTail}; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  Chunk(std::unique_ptr<std::byte[]> data, std::size_t size)
      : data_{std::move(data)}, size_{size} {}

  static constexpr std::size_t kHead = 10;  // "0001a2b8\r\n"
  static constexpr std::size_t kTail = 2;   // "\r\n"

  std::unique_ptr<std::byte[]> data_;
  std::size_t size_;
};

/// Lives as long as a window, a write or a Redis command points at it.
using ChunkPtr = std::shared_ptr<const Chunk>;

}  // namespace ace::proto
