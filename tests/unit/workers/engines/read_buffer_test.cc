#include "workers/engines/read_buffer.h"

#include <cstddef>
#include <optional>

#include <catch2/catch.hpp>

using ace::engines::ReadBuffer;

TEST_CASE("reads one after another share their memory", "[read_buffer]") {
  const std::byte* first = nullptr;
  {
    ReadBuffer buffer;
    first = buffer.bytes().data();
    CHECK(buffer.bytes().size() == ReadBuffer::kSize);
  }
  ReadBuffer again;
  CHECK(again.bytes().data() == first);
}

TEST_CASE("a read within a read has memory of its own, for as long as it takes", "[read_buffer]") {
  std::optional<ReadBuffer> outer{std::in_place};
  outer->bytes().front() = std::byte{1};
  outer->bytes().back() = std::byte{1};
  ReadBuffer inner;
  inner.bytes().front() = std::byte{2};
  inner.bytes().back() = std::byte{2};
  CHECK(outer->bytes().front() == std::byte{1});
  CHECK(outer->bytes().back() == std::byte{1});
  outer.reset();
  CHECK(inner.bytes().front() == std::byte{2});
  CHECK(inner.bytes().back() == std::byte{2});
}
