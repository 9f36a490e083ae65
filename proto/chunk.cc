#include "proto/chunk.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace ace::proto {

std::shared_ptr<Chunk> Chunk::allocate(std::size_t size) {
  auto data = std::make_unique_for_overwrite<std::byte[]>(kHead + size + kTail);
  std::array<char, kHead + 1> head{};
  std::snprintf(head.data(), head.size(), "%08zx\r\n", size);
  const auto text = as_bytes({head.data(), kHead});
  std::copy(text.begin(), text.end(), data.get());
  data[kHead + size] = std::byte{'\r'};
  data[kHead + size + 1] = std::byte{'\n'};
  return std::shared_ptr<Chunk>(new Chunk(std::move(data), size));
}

ChunkPtr Chunk::copy_of(ByteSpan payload) {
  auto chunk = allocate(payload.size());
  std::copy(payload.begin(), payload.end(), chunk->mutable_payload().begin());
  return chunk;
}

}  // namespace ace::proto
