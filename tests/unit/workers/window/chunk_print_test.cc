#include "workers/streams/window/chunk_print.h"

#include <string>

#include <catch2/catch.hpp>

using ace::as_bytes;
using ace::streams::ChunkPrint;

TEST_CASE("the same bytes have the same print, others another", "[chunk_print]") {
  std::string chunk;
  for (int i = 0; i < 188 * 20; ++i) chunk += static_cast<char>(i * 7 + i / 188);
  const auto print = ChunkPrint::of(as_bytes(chunk));
  CHECK(print == ChunkPrint::of(as_bytes(std::string{chunk})));
  CHECK_FALSE(print == ChunkPrint::of(as_bytes(chunk.substr(188))));  // spliced
  CHECK_FALSE(print == ChunkPrint::of(as_bytes(std::string(chunk.size(), 'x'))));
  for (const auto at : {std::size_t{0}, chunk.size() - 1}) {
    auto other = chunk;
    other[at] = static_cast<char>(~other[at]);
    CHECK_FALSE(print == ChunkPrint::of(as_bytes(other)));
  }
}

TEST_CASE("less than a word has a print too", "[chunk_print]") {
  CHECK(ChunkPrint::of(as_bytes("abc")) == ChunkPrint::of(as_bytes("abc")));
  CHECK(ChunkPrint::of({}).size == 0);
}
