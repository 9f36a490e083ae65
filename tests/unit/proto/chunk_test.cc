#include "proto/chunk.h"

#include <string>

#include <catch2/catch.hpp>

using ace::as_bytes;
using ace::as_text;
using ace::proto::Chunk;

TEST_CASE("a chunk lies inside its own HTTP chunk framing", "[chunk]") {
  const std::string payload(564, 'x');
  const auto chunk = Chunk::copy_of(as_bytes(payload));
  CHECK(as_text(chunk->payload()) == payload);
  CHECK(as_text(chunk->framed()) == "00000234\r\n" + payload + "\r\n");
  CHECK(chunk->size() == 564);
}
