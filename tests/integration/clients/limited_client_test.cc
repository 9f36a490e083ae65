#include <string>

#include <catch2/catch.hpp>

#include "tests/integration/clients/viewer_fixture.h"

using namespace ace::test;

TEST_CASE("a limited client gets its burst, then no more than its rate", "[client][rate]") {
  ViewerFixture f{BodyFraming::UntilClose};
  std::string expected = "HTTP/1.1 200 OK\r\n\r\n";
  f.session->limit({.bytes_per_second = 1880, .burst = 3 * 1880});
  for (std::uint64_t i = 1; i <= 10; ++i) f.push(i);
  f.session->join(f.buffer, {.burst = 6s});
  // The third was begun with what the head had left of the burst.
  for (std::uint64_t i = 1; i <= 3; ++i) expected += body_of(i, 10);
  CHECK(f.read_some() == expected);
  CHECK_FALSE(f.session->is_drained());
  f.session->tick();
  CHECK(f.read_some().empty());
  std::string later;
  for (int half_seconds = 0; half_seconds < 10; ++half_seconds) {
    f.clock.advance(500ms);
    f.session->tick();
    later += f.read_some();
  }
  CHECK(later.size() <= 6 * 1880);
  CHECK(later.size() >= 5 * 1880);
  CHECK(f.session->skips() == 0);
}

TEST_CASE("a client within its rate is not held up", "[client][rate]") {
  ViewerFixture f{BodyFraming::UntilClose};
  f.session->limit({.bytes_per_second = 4 * 1880, .burst = 2 * 1880});
  f.session->join(f.buffer, {.burst = 0s});
  f.push(1);
  f.read_some();
  for (std::uint64_t i = 2; i <= 20; ++i) {
    f.clock.advance(500ms);
    f.push(i);
    CHECK(f.read_some() == body_of(i, 10));
  }
}

TEST_CASE("a limited client at the end of its stream gets the rest at once", "[client][rate]") {
  ViewerFixture f{BodyFraming::UntilClose};
  f.session->limit({.bytes_per_second = 188, .burst = 1880});
  for (std::uint64_t i = 1; i <= 10; ++i) f.push(i);
  f.session->join(f.buffer, {.burst = 6s});
  const auto begun = f.read_some();
  CHECK(begun.size() < 4 * 1880);
  f.session->finish();
  CHECK(begun.size() + f.read_some().size() == 19 + 10 * 1880);
}

TEST_CASE("a limited client that waits begins when it is told to, not by itself",
          "[client][rate]") {
  ViewerFixture f{BodyFraming::UntilClose};
  f.session->limit({.bytes_per_second = 1880, .burst = 1880});
  f.session->join(f.buffer, {.burst = 0s});
  f.window.push({.epoch = {1},
                 .index = {1},
                 .chunk = Chunk::copy_of(ace::as_bytes(body_of(1, 10))),
                 .arrived = f.clock.now(),
                 .media_time = {},
                 .random_access = {}});
  f.session->tick();
  CHECK(f.read_some().empty());
  f.session->on_media(f.opening);
  CHECK_FALSE(f.read_some().empty());
}
