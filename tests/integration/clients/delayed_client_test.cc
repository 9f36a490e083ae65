#include <string>

#include <catch2/catch.hpp>

#include "tests/integration/clients/viewer_fixture.h"

using namespace ace::test;

namespace {

const std::string kHead = "HTTP/1.1 200 OK\r\n\r\n";

/// One chunk a second; each second one is a random access point.
struct DelayedFixture : ViewerFixture {
  DelayedFixture()
      : ViewerFixture{BodyFraming::UntilClose,
                      {.span = 10s, .bytes = 1U << 30U},
                      {.span = 60s, .bytes = 1U << 30U}} {}
  void push_seconds(std::uint64_t first, std::uint64_t last) {
    for (auto i = first; i <= last; ++i) {
      clock.advance(1s);
      entry.reset();
      if (i % 2 == 0) entry = std::make_shared<RandomAccessPoint>();
      push(i);
      archive.at_hand[i] = Chunk::copy_of(ace::as_bytes(body_of(i, 10)));
    }
  }
  static std::string bodies(std::uint64_t first, std::uint64_t last) {
    std::string all;
    for (auto i = first; i <= last; ++i) all += body_of(i, 10);
    return all;
  }
};

}  // namespace

TEST_CASE("who wants a delay gets its burst from there, and then the stream's pace",
          "[client][delay]") {
  DelayedFixture f;
  f.push_seconds(1, 50);
  f.session->join(f.buffer, {.burst = 6s, .delay = 30s});
  CHECK(f.read_some() == kHead + f.bodies(20, 26));
  CHECK_FALSE(f.session->is_drained());
  f.push_seconds(51, 51);
  CHECK(f.read_some() == f.bodies(27, 27));
  f.push_seconds(52, 54);
  CHECK(f.read_some() == f.bodies(28, 30));
  CHECK(f.session->pace().lag == 23s);  // what it got last is 24 s old
  CHECK(f.session->skips() == 0);
}

TEST_CASE("who wants less than the burst is as far behind as that", "[client][delay]") {
  DelayedFixture f;
  f.push_seconds(1, 20);
  f.session->join(f.buffer, {.burst = 6s, .delay = 2s});
  CHECK(f.read_some() == kHead + f.bodies(18, 20));
  CHECK(f.session->is_drained());
}

TEST_CASE("a young stream is begun with what there is", "[client][delay]") {
  DelayedFixture f;
  f.push_seconds(1, 12);
  f.session->join(f.buffer, {.burst = 6s, .delay = 30s});
  CHECK(f.read_some() == kHead + f.bodies(2, 8));  // 10 s behind, 6 s of it at once
  f.push_seconds(13, 13);
  CHECK(f.read_some() == f.bodies(9, 9));
}

TEST_CASE("while the stream stands still a delayed client plays on", "[client][delay]") {
  DelayedFixture f;
  f.push_seconds(1, 50);
  f.session->join(f.buffer, {.burst = 6s, .delay = 30s});
  f.read_some();
  f.clock.advance(3s);
  f.session->tick();
  CHECK(f.read_some() == f.bodies(27, 29));
}

TEST_CASE("a delayed client at the end of its stream gets all the rest", "[client][delay]") {
  DelayedFixture f;
  f.push_seconds(1, 50);
  f.session->join(f.buffer, {.burst = 6s, .delay = 30s});
  f.read_some();
  f.session->finish();
  CHECK(f.read_some() == f.bodies(27, 50));
}

TEST_CASE("a delayed client whose chunk is lost goes on nearer to live", "[client][delay]") {
  DelayedFixture f;
  f.push_seconds(1, 50);
  f.session->join(f.buffer, {.burst = 6s, .delay = 30s});
  f.read_some();
  f.archive.at_hand.erase(27);
  f.push_seconds(51, 51);
  f.archive.answer(nullptr);
  CHECK(f.session->skips() == 1);
  const auto landed = f.read_some();
  REQUIRE(landed.size() == 188 + 10 * 188);  // behind a marker
  CHECK(landed.substr(188) == f.bodies(50, 50));
  f.push_seconds(52, 52);
  CHECK(f.read_some() == f.bodies(51, 51));
}
