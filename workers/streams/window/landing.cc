#include "workers/streams/window/landing.h"

#include <algorithm>
#include <initializer_list>

#include "proto/mpeg_ts/discontinuity_marker.h"

namespace ace::streams {
namespace {

proto::ChunkPtr joined(std::initializer_list<ByteSpan> parts) {
  std::size_t size = 0;
  for (const auto part : parts) size += part.size();
  const auto chunk = proto::Chunk::allocate(size);
  auto out = chunk->mutable_payload().begin();
  for (const auto part : parts) out = std::ranges::copy(part, out).out;
  return chunk;
}

}  // namespace

proto::ChunkPtr lead_in(const proto::Chunk& chunk, const proto::RandomAccessPoint& entry) {
  return joined({entry.tables, chunk.payload().subspan(entry.offset)});
}

Landing landing(const proto::Chunk& chunk, const proto::RandomAccessPoint* entry) {
  if (entry == nullptr) {
    return {.chunk = joined({proto::jump_markers(chunk.payload()), chunk.payload()})};
  }
  const auto media = chunk.payload().subspan(entry->offset);
  const auto markers = proto::jump_markers(media);
  auto moved = std::make_shared<proto::RandomAccessPoint>(*entry);
  moved->offset = entry->tables.size() + markers.size();
  return {.chunk = joined({entry->tables, markers, media}), .entry = std::move(moved)};
}

}  // namespace ace::streams
