#include <algorithm>
#include <string>

#include <catch2/catch.hpp>

#include "proto/mpeg_ts/discontinuity_marker.h"
#include "tests/integration/clients/viewer_fixture.h"

using namespace ace::test;
using Fixture = ViewerFixture;

namespace {

constexpr std::size_t kPackets = 1000;
constexpr std::size_t kBytes = kPackets * 188;
constexpr std::string_view kHead = "HTTP/1.1 200 OK\r\n\r\n";
constexpr std::uint64_t kPushed = 30;  // far more than a socket holds
constexpr ChunkWindow::Limits kSmall{.span = 1h, .bytes = 1'000'000};
constexpr ChunkWindow::Limits kLarge{.span = 1h, .bytes = 1'000'000'000};

ChunkPtr chunk_of(std::uint64_t index) {
  return Chunk::copy_of(ace::as_bytes(body_of(index, kPackets)));
}

std::string marker_of(const std::string& media) {
  return std::string{ace::as_text(ace::proto::discontinuity_marker(ace::as_bytes(media)))};
}

/// Not the strings themselves: megabytes of them are no message.
void check_same(const std::string& got, const std::string& expected) {
  CHECK(got.size() == expected.size());
  const auto [at, other] = std::ranges::mismatch(got, expected);
  CHECK(static_cast<std::size_t>(at - got.begin()) == expected.size());
}

/// All of what goes by until the client has got `last`; chunks are read back as they are asked for.
std::string read_to_the_end(Fixture& f) {
  std::string got;
  while (!f.session->is_drained()) {
    got += f.read_some();
    if (f.archive.waiting != nullptr) f.archive.answer(chunk_of(f.archive.asked.back()));
    f.loop.run_once(false);
  }
  for (auto rest = f.read_some(); !rest.empty(); rest = f.read_some()) got += rest;
  return got;
}

/// Everything that has arrived, with what the socket takes meanwhile.
std::string read_until_paused(Fixture& f) {
  std::string got;
  for (auto more = f.read_some(); !more.empty(); more = f.read_some()) {
    got += more;
    f.loop.run_once(false);
  }
  return got;
}

}  // namespace

TEST_CASE("who trails inside the buffer gets all of it, read back", "[client][trail]") {
  const auto framing = GENERATE(BodyFraming::Chunked, BodyFraming::UntilClose);
  Fixture f{framing, kSmall, kLarge};
  f.session->join(f.buffer, {.burst = 0ms});
  std::string expected{kHead};
  for (std::uint64_t i = 1; i <= kPushed; ++i) {
    f.push(i, kPackets);
    expected +=
        framing == BodyFraming::Chunked ? framed(body_of(i, kPackets)) : body_of(i, kPackets);
  }
  REQUIRE(f.window.oldest().value > 20);
  check_same(read_to_the_end(f), expected);
  CHECK(f.session->skips() == 0);
  CHECK(f.archive.asked.size() > 10);  // each once
  CHECK(std::ranges::adjacent_find(f.archive.asked) == f.archive.asked.end());
}

TEST_CASE("what is at hand in the archive is sent at once", "[client][trail]") {
  Fixture f{BodyFraming::UntilClose, kSmall, kLarge};
  f.session->join(f.buffer, {.burst = 0ms});
  std::string expected{kHead};
  for (std::uint64_t i = 1; i <= kPushed; ++i) {
    f.push(i, kPackets);
    f.archive.at_hand[i] = chunk_of(i);
    expected += body_of(i, kPackets);
  }
  check_same(f.read_all(expected.size()), expected);
  CHECK(f.session->skips() == 0);
}

TEST_CASE("who left the buffer jumps to the newest random access point, marked",
          "[client][trail]") {
  Fixture f{BodyFraming::UntilClose, kSmall};
  f.session->join(f.buffer, {.burst = 0ms});
  const std::string tables = body_of(99, 2);
  for (std::uint64_t i = 1; i <= kPushed; ++i) {
    f.entry.reset();
    if (i == 26 || i == 28) {
      f.entry =
          std::make_shared<RandomAccessPoint>(RandomAccessPoint{.offset = 4 * 188, .tables = {}});
      for (const auto byte : ace::as_bytes(tables)) f.entry->tables.push_back(byte);
    }
    f.push(i, kPackets);
  }
  const auto begun = (f.session->bytes_sent() - kHead.size() + kBytes - 1) / kBytes;
  REQUIRE(begun < 25);
  std::string expected{kHead};
  for (std::uint64_t i = 1; i <= begun; ++i) expected += body_of(i, kPackets);
  const auto media = body_of(28, kPackets).substr(4 * 188);
  expected += tables + marker_of(media) + media + body_of(29, kPackets) + body_of(30, kPackets);
  check_same(read_to_the_end(f), expected);
  CHECK(f.session->skips() == 1);
  CHECK(f.archive.asked.empty());
}

TEST_CASE("without a random access point the jump goes to the newest chunk, marked",
          "[client][trail]") {
  Fixture f{BodyFraming::UntilClose, kSmall};
  f.session->join(f.buffer, {.burst = 0ms});
  for (std::uint64_t i = 1; i <= kPushed; ++i) f.push(i, kPackets);
  const auto begun = (f.session->bytes_sent() - kHead.size() + kBytes - 1) / kBytes;
  std::string expected{kHead};
  for (std::uint64_t i = 1; i <= begun; ++i) expected += body_of(i, kPackets);
  expected += marker_of(body_of(kPushed, 1)) + body_of(kPushed, kPackets);
  check_same(read_to_the_end(f), expected);
  CHECK(f.session->skips() == 1);
}

TEST_CASE("who cannot get what it needs jumps, and is counted", "[client][trail]") {
  Fixture f{BodyFraming::UntilClose, kSmall, kLarge};
  f.session->join(f.buffer, {.burst = 0ms});
  for (std::uint64_t i = 1; i <= kPushed; ++i) f.push(i, kPackets);
  const auto got = read_until_paused(f);
  REQUIRE(f.archive.waiting != nullptr);
  f.archive.answer(nullptr);
  CHECK(f.session->skips() == 1);
  check_same(read_to_the_end(f), marker_of(body_of(kPushed, 1)) + body_of(kPushed, kPackets));
  CHECK(f.archive.asked.size() == 1);
}

TEST_CASE("who waits for a chunk is neither stuck nor drained, and new media can wait",
          "[client][trail]") {
  Fixture f{BodyFraming::UntilClose, kSmall, kLarge};
  f.session->join(f.buffer, {.burst = 0ms});
  for (std::uint64_t i = 1; i <= kPushed; ++i) f.push(i, kPackets);
  read_until_paused(f);
  REQUIRE(f.archive.waiting != nullptr);
  f.clock.advance(1min);
  CHECK_FALSE(f.session->is_stuck(30s));
  CHECK_FALSE(f.session->is_drained());
  const auto sent = f.session->bytes_sent();
  f.push(kPushed + 1, kPackets);
  CHECK(f.session->bytes_sent() == sent);
  CHECK(f.archive.asked.size() == 1);
}

TEST_CASE("who goes while it waits for a chunk is forgotten", "[client][trail]") {
  Fixture f{BodyFraming::UntilClose, kSmall, kLarge};
  f.session->join(f.buffer, {.burst = 0ms});
  for (std::uint64_t i = 1; i <= kPushed; ++i) f.push(i, kPackets);
  read_until_paused(f);
  REQUIRE(f.archive.waiting != nullptr);
  SECTION("because its peer closes") {
    f.peer.reset();
    f.run_until_gone();
  }
  SECTION("because it is destroyed") { f.session.reset(); }
  CHECK(f.archive.waiting == nullptr);
}

TEST_CASE("at the end of the stream who trails gets what is left", "[client][trail]") {
  Fixture f{BodyFraming::UntilClose, kSmall, kLarge};
  f.session->join(f.buffer, {.burst = 0ms});
  for (std::uint64_t i = 1; i <= kPushed; ++i) f.push(i, kPackets);
  read_until_paused(f);
  f.session->finish();
  f.archive.answer(nullptr);  // Redis has forgotten the stream by now
  const auto oldest = f.window.oldest().value;
  std::string expected = marker_of(body_of(oldest, 1));
  for (auto i = oldest; i <= kPushed; ++i) expected += body_of(i, kPackets);
  check_same(f.read_all(expected.size()), expected);
  char byte{};
  CHECK(::recv(f.peer.get(), &byte, 1, 0) == 0);
}
