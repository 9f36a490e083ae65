#include "workers/streams/window/chunk_print.h"

#include <cstddef>
#include <cstring>

namespace ace::streams {
namespace {

/// Words that are looked at, spread over the chunk: each is a cache line that has to be fetched.
constexpr std::size_t kSamples = 64;

// FNV-1a's, over words instead of bytes.
constexpr std::uint64_t kBasis = 0xcbf29ce484222325;
constexpr std::uint64_t kPrime = 0x100000001b3;

}  // namespace

ChunkPrint ChunkPrint::of(ByteSpan payload) {
  ChunkPrint print{.size = payload.size(), .hash = kBasis};
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  if (payload.size() < kWord) return print;
  const std::size_t last = payload.size() - kWord;
  for (std::size_t i = 0; i < kSamples; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, payload.data() + last * i / (kSamples - 1), kWord);
    print.hash = (print.hash ^ word) * kPrime;
  }
  return print;
}

}  // namespace ace::streams
