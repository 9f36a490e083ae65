#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>

#include "shared/base/bytes.h"

namespace ace::fuzz {

/// Takes the next piece off the front of `rest`; sizes from 1 up, small ones mostly, the same ones
/// for the same seed.
class Cuts {
 public:
  explicit Cuts(std::uint32_t seed) : random_{seed} {}

  ByteSpan next(ByteSpan& rest) {
    const std::size_t bound = std::size_t{1} << (random_() % 10);
    const auto piece = rest.first(std::min<std::size_t>(1 + random_() % bound, rest.size()));
    rest = rest.subspan(piece.size());
    return piece;
  }

 private:
  std::minstd_rand random_;
};

inline ByteSpan to_span(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span{data, size});
}

}  // namespace ace::fuzz
