#include "workers/clients/client_session.h"

#include <sys/socket.h>

#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "tests/integration/clients/viewer_fixture.h"

using namespace ace::test;
using Fixture = ViewerFixture;

TEST_CASE("the head waits for the first media, and leaves with it", "[client]") {
  Fixture f;
  f.session->join(f.buffer, {.burst = 0ms});
  CHECK(f.read_some().empty());
  CHECK(f.session->is_waiting());
  f.push(1);
  CHECK(f.read_some() == "HTTP/1.1 200 OK\r\n\r\n" + framed(body_of(1, 10)));
  CHECK_FALSE(f.session->is_waiting());
}

TEST_CASE("a client that joins late gets the window, then what comes", "[client]") {
  Fixture f{BodyFraming::UntilClose};
  for (std::uint64_t i = 1; i <= 40; ++i) f.push(i);
  f.session->join(f.buffer, {.burst = 6s});
  std::string expected = "HTTP/1.1 200 OK\r\n\r\n";
  for (std::uint64_t i = 1; i <= 41; ++i) expected += body_of(i, 10);
  f.push(41);
  CHECK(f.read_all(expected.size()) == expected);
}

TEST_CASE("who joins begins with tables and a random access point, in either framing", "[client]") {
  const auto framing = GENERATE(BodyFraming::Chunked, BodyFraming::UntilClose);
  Fixture f{framing};
  const std::string tables = body_of(99, 2);
  f.push(1);
  f.entry = std::make_shared<RandomAccessPoint>(RandomAccessPoint{.offset = 4 * 188, .tables = {}});
  for (const auto byte : ace::as_bytes(tables)) f.entry->tables.push_back(byte);
  f.push(2);
  f.entry.reset();
  f.push(3);
  f.session->join(f.buffer, {.burst = 6s});
  const auto lead_in = tables + body_of(2, 10).substr(4 * 188);
  const auto wire = [&](const std::string& body) {
    return framing == BodyFraming::Chunked ? framed(body) : body;
  };
  const auto expected = "HTTP/1.1 200 OK\r\n\r\n" + wire(lead_in) + wire(body_of(3, 10));
  CHECK(f.read_all(expected.size()) == expected);
}

TEST_CASE("who waits begins with the next media, not with what is there so far", "[client]") {
  Fixture f{BodyFraming::UntilClose};
  f.push(1);  // a follower that catches up has no random access point yet
  f.session->join(f.buffer, {.burst = 6s, .opening = ace::clients::Opening::Nothing});
  CHECK(f.read_some().empty());
  CHECK(f.session->is_waiting());
  f.entry = std::make_shared<RandomAccessPoint>();
  f.push(2);
  CHECK(f.read_some() == "HTTP/1.1 200 OK\r\n\r\n" + body_of(2, 10));
}

TEST_CASE("who finds no random access point begins with the next one, without a burst",
          "[client]") {
  Fixture f{BodyFraming::UntilClose};
  f.push(1);
  f.opening = ace::clients::Opening::Live;
  f.session->join(f.buffer, {.burst = 6s, .opening = f.opening});
  f.clock.advance(4'900ms);
  f.push(2);
  CHECK(f.read_some().empty());
  const bool has_entry = GENERATE(true, false);
  if (has_entry) f.entry = std::make_shared<RandomAccessPoint>();
  f.push(3);
  f.entry.reset();
  if (!has_entry) {
    CHECK(f.session->is_waiting());
    f.clock.advance(100ms);  // it has waited long enough
    f.push(4);
  }
  CHECK(f.read_some() == "HTTP/1.1 200 OK\r\n\r\n" + body_of(has_entry ? 3 : 4, 10));
}

TEST_CASE("who joins goes further back than the burst for a random access point", "[client]") {
  Fixture f{BodyFraming::UntilClose};
  f.entry = std::make_shared<RandomAccessPoint>();
  f.push(1);
  f.entry.reset();
  std::string expected = "HTTP/1.1 200 OK\r\n\r\n" + body_of(1, 10);
  for (std::uint64_t i = 2; i <= 6; ++i) {
    f.clock.advance(1s);
    f.push(i);
    expected += body_of(i, 10);
  }
  f.session->join(f.buffer, {.burst = 2s, .opening = ace::clients::Opening::Live});
  CHECK(f.read_all(expected.size()) == expected);
  // That it is so far behind is not its own fault.
  CHECK(f.session->pace().wanted == 3s);
}

TEST_CASE("a stream that has no random access points is begun at the burst's border", "[client]") {
  Fixture f{BodyFraming::UntilClose, {.span = 3s}};
  for (std::uint64_t i = 1; i <= 10; ++i) {
    f.clock.advance(1s);
    f.push(i);
  }
  f.session->join(f.buffer, {.burst = 1s, .opening = ace::clients::Opening::Live});
  CHECK(f.read_some() == "HTTP/1.1 200 OK\r\n\r\n" + body_of(9, 10) + body_of(10, 10));
}

TEST_CASE("a slow reader gets every byte in order", "[client]") {
  Fixture f;
  f.session->join(f.buffer, {.burst = 0ms});
  std::string expected = "HTTP/1.1 200 OK\r\n\r\n";
  for (std::uint64_t i = 1; i <= 30; ++i) {
    f.push(i, 1000);  // 30 x 188 kB: far more than the socket holds
    expected += framed(body_of(i, 1000));
  }
  CHECK(f.session->bytes_sent() < expected.size());
  CHECK(f.read_all(expected.size()) == expected);
  CHECK(f.session->skips() == 0);
}

TEST_CASE("filler goes to who has got all there is, and to nobody else", "[client]") {
  Fixture f{BodyFraming::UntilClose};
  const auto filler = Chunk::copy_of(ace::as_bytes(std::string(188, '-')));
  f.session->join(f.buffer, {.burst = 0ms});
  f.session->send_filler(filler);
  CHECK(f.read_some().empty());  // nothing before the first media
  f.push(1);
  const auto before = f.read_some();
  f.session->send_filler(filler);
  CHECK(f.read_some() == std::string(188, '-'));
  f.push(2);
  CHECK(f.read_some() == body_of(2, 10));
  for (std::uint64_t i = 3; i <= 30; ++i) f.push(i, 1000);  // more than the socket takes
  const auto sent = f.session->bytes_sent();
  f.session->send_filler(filler);
  CHECK(f.session->bytes_sent() == sent);
}

TEST_CASE("a finished stream ends properly, after what is buffered", "[client]") {
  Fixture f;
  f.session->join(f.buffer, {.burst = 0ms});
  for (std::uint64_t i = 1; i <= 20; ++i) f.push(i, 1000);
  f.session->finish();
  std::string expected = "HTTP/1.1 200 OK\r\n\r\n";
  for (std::uint64_t i = 1; i <= 20; ++i) expected += framed(body_of(i, 1000));
  expected += "0\r\n\r\n";
  CHECK(f.read_all(expected.size()) == expected);
  char byte{};
  CHECK(::recv(f.peer.get(), &byte, 1, 0) == 0);  // the end, not a reset
  CHECK(f.gone.empty());
  f.peer.reset();
  f.run_until_gone();
  CHECK(f.gone == "finished");
}

TEST_CASE("an error answer takes the head's place while nothing was sent", "[client]") {
  Fixture f;
  f.session->join(f.buffer, {.burst = 0ms});
  f.session->refuse("HTTP/1.1 503 Service Unavailable\r\n\r\n");
  CHECK(f.read_some() == "HTTP/1.1 503 Service Unavailable\r\n\r\n");
  char byte{};
  CHECK(::recv(f.peer.get(), &byte, 1, 0) == 0);
}

TEST_CASE("a client that leaves is noticed without any media", "[client]") {
  Fixture f;
  f.session->join(f.buffer, {.burst = 0ms});
  f.peer.reset();
  f.run_until_gone();
  CHECK(f.gone == "client closed");
}

TEST_CASE("a client that takes nothing is stuck, one that only waits is not", "[client]") {
  Fixture f;
  f.session->join(f.buffer, {.burst = 0ms});
  f.push(1);
  f.clock.advance(1min);
  f.session->tick();
  CHECK_FALSE(f.session->is_stuck(30s));
  for (std::uint64_t i = 2; i <= 30; ++i) f.push(i, 1000);
  f.session->tick();
  CHECK_FALSE(f.session->is_stuck(30s));
  f.clock.advance(31s);
  f.session->tick();
  CHECK(f.session->is_stuck(30s));
  f.read_some();
  f.loop.run_once(false);
  f.session->tick();
  CHECK_FALSE(f.session->is_stuck(30s));
}

TEST_CASE("a client is drained when it has got all there is, and nothing is owed", "[client]") {
  Fixture f;
  f.session->feed_from(f.buffer, f.window.edge());
  CHECK_FALSE(f.session->is_drained());  // its head is owed
  f.push(1);
  CHECK(f.session->is_drained());
  for (std::uint64_t i = 2; i <= 30; ++i) f.push(i, 1000);  // more than the socket takes
  CHECK_FALSE(f.session->is_drained());
  std::size_t size = std::string{"HTTP/1.1 200 OK\r\n\r\n"}.size() + framed(body_of(1, 10)).size();
  for (std::uint64_t i = 2; i <= 30; ++i) size += framed(body_of(i, 1000)).size();
  CHECK(f.read_all(size).size() == size);
  CHECK(f.session->is_drained());
  f.session->finish();
  CHECK_FALSE(f.session->is_drained());
}

TEST_CASE("a client that is released goes on elsewhere, byte for byte", "[client]") {
  const auto framing = GENERATE(BodyFraming::Chunked, BodyFraming::UntilClose);
  Fixture f{framing};
  const auto wire = [framing](std::uint64_t index) {
    return framing == BodyFraming::Chunked ? framed(body_of(index, 10)) : body_of(index, 10);
  };
  f.session->feed_from(f.buffer, f.window.edge());
  for (std::uint64_t i = 1; i <= 3; ++i) f.push(i);
  const auto begun = f.read_some();
  REQUIRE(f.session->is_drained());
  const ace::clients::ClientProgress progress{
      .bytes_sent = f.session->bytes_sent(), .skips = 2, .owed = {}};
  const auto info = f.session->info();
  auto socket = f.session->release().socket;
  f.push(4);  // the old session sends nothing any more
  CHECK(f.read_some().empty());

  f.session =
      std::make_unique<ClientSession>(f.loop, f.clock, std::move(socket), info, framing, progress);
  f.session->set_listener(&f);
  CHECK_FALSE(f.session->is_waiting());
  CHECK(f.session->is_drained());
  f.session->feed_from(f.buffer, {4});  // what has come meanwhile leaves at once
  CHECK(f.read_some() == wire(4));
  f.push(5);
  CHECK(f.read_some() == wire(5));
  CHECK(f.session->bytes_sent() == begun.size() + wire(4).size() + wire(5).size());
  CHECK(f.session->skips() == 2);
  f.session->finish();
  CHECK(f.read_some() == (framing == BodyFraming::Chunked ? "0\r\n\r\n" : ""));
  f.peer.reset();
  f.run_until_gone();
  CHECK(f.gone == "finished");
}

TEST_CASE("what a slow client is owed goes along literally", "[client]") {
  const auto framing = GENERATE(BodyFraming::Chunked, BodyFraming::UntilClose);
  Fixture f{framing};
  const auto wire = [framing](std::uint64_t index) {
    const auto body = body_of(index, 2'000);
    return framing == BodyFraming::Chunked ? framed(body) : body;
  };
  f.session->feed_from(f.buffer, f.window.edge());
  std::string expected{"HTTP/1.1 200 OK\r\n\r\n"};
  for (std::uint64_t i = 1; i <= 6; ++i) {
    f.push(i, 2'000);  // more than the socket takes
    expected += wire(i);
  }
  REQUIRE_FALSE(f.session->is_drained());
  const auto info = f.session->info();
  auto remains = f.session->release();
  CHECK_FALSE(remains.has_missed);
  CHECK_FALSE(remains.owed.empty());
  CHECK(remains.owed.size() < wire(1).size());

  f.session = std::make_unique<ClientSession>(
      f.loop, f.clock, std::move(remains.socket), info, framing,
      ace::clients::ClientProgress{.owed = std::move(remains.owed)});
  f.session->set_listener(&f);
  f.session->feed_from(f.buffer, remains.next);
  const bool is_whole = f.read_all(expected.size()) == expected;
  CHECK(is_whole);
}

TEST_CASE("a client that waits for its place gets filler, and its end is noticed", "[client]") {
  Fixture f{BodyFraming::UntilClose};
  f.session->feed_from(f.buffer, f.window.edge());
  f.push(1);
  f.read_some();
  auto socket = f.session->release().socket;
  f.session = std::make_unique<ClientSession>(f.loop, f.clock, std::move(socket),
                                              ace::clients::ClientInfo{}, BodyFraming::UntilClose,
                                              ace::clients::ClientProgress{.owed = {}});
  f.session->set_listener(&f);
  f.session->send_filler(Chunk::copy_of(ace::as_bytes(std::string(188, '-'))));
  CHECK(f.read_some() == std::string(188, '-'));
  f.peer.reset();
  f.run_until_gone();
  CHECK(f.gone == "client closed");
}
