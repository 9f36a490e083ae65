#include "workers/streams/window/landing.h"

#include <string>

#include <catch2/catch.hpp>

#include "proto/mpeg_ts/discontinuity_marker.h"
#include "tests/unit/proto/mpeg_ts/ts_packets.h"

using namespace ace::test;
using ace::as_bytes;
using ace::as_text;
using ace::proto::Chunk;
using ace::proto::RandomAccessPoint;
using ace::streams::landing;
using ace::streams::lead_in;

namespace {

std::string marker_of(const std::string& packet) {
  return std::string{as_text(ace::proto::discontinuity_marker(as_bytes(packet)))};
}

}  // namespace

TEST_CASE("who lands gets tables, a marker for each stream, and the entry", "[landing]") {
  const auto older = packet({.pid = 0x100, .payload = "the picture before"});
  const auto video = packet({.pid = 0x100, .begins_unit = true, .payload = pes("picture")});
  const auto more = packet({.pid = 0x100, .payload = "of it"});
  const auto sound = packet({.pid = 0x101, .begins_unit = true, .payload = pes("sound")});
  const std::string tables(376, 't');
  const auto chunk = Chunk::copy_of(as_bytes(older + video + more + sound));
  RandomAccessPoint entry{.offset = 188, .tables = {}};
  for (const auto byte : as_bytes(tables)) entry.tables.push_back(byte);

  CHECK(as_text(lead_in(*chunk, entry)->payload()) == tables + video + more + sound);
  const auto landed = landing(*chunk, &entry);
  CHECK(as_text(landed.chunk->payload()) ==
        tables + marker_of(video) + marker_of(sound) + video + more + sound);
  REQUIRE(landed.entry != nullptr);
  CHECK(landed.entry->tables == entry.tables);
  CHECK(as_text(landed.chunk->payload().subspan(landed.entry->offset, 188)) == video);
}

TEST_CASE("without an entry the whole chunk follows the markers", "[landing]") {
  const auto tail = packet({.pid = 0x100, .payload = "the end of one"});
  const auto video = packet({.pid = 0x100, .begins_unit = true, .payload = pes("picture")});
  const auto chunk = Chunk::copy_of(as_bytes(tail + video));
  const auto landed = landing(*chunk, nullptr);
  CHECK(as_text(landed.chunk->payload()) == marker_of(tail) + tail + video);
  CHECK(landed.entry == nullptr);
}
