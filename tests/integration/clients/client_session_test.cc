#include "workers/clients/client_session.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include "shared/loop/timer.h"
#include "tests/support/clock/manual_clock.h"

using namespace std::chrono_literals;
using ace::UniqueFd;
using ace::clients::ClientSession;
using ace::proto::Chunk;
using ace::proto::ChunkPtr;
using ace::proto::RandomAccessPoint;
using ace::proto::http::BodyFraming;
using ace::streams::ChunkWindow;

namespace {

std::string body_of(std::uint64_t index, std::size_t packets) {
  return std::string(packets * 188, static_cast<char>('a' + index % 26));
}

std::string framed(const std::string& body) {
  const auto chunk = Chunk::copy_of(ace::as_bytes(body));
  return std::string{ace::as_text(chunk->framed())};
}

/// A viewer on one end of a socket, and the test on the other.
struct Fixture : ClientSession::Listener {
  explicit Fixture(BodyFraming framing = BodyFraming::Chunked, ChunkWindow::Limits limits = {})
      : window{limits} {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0);
    peer = UniqueFd{ends[1]};
    ace::clients::ClientInfo info;
    info.id = {"c1"};
    session = std::make_unique<ClientSession>(loop, clock, UniqueFd{ends[0]}, info,
                                              "HTTP/1.1 200 OK\r\n\r\n", framing);
    session->set_listener(this);
  }
  void on_client_gone(ClientSession&, std::string_view why) override { gone = why; }

  void push(std::uint64_t index, std::size_t packets = 10) {
    window.push({.epoch = {1},
                 .index = {index},
                 .chunk = Chunk::copy_of(ace::as_bytes(body_of(index, packets))),
                 .arrived = clock.now(),
                 .media_time = {},
                 .random_access = entry});
    session->on_media(clock.now());
  }
  /// What has arrived at the peer, without waiting for more.
  std::string read_some(std::size_t at_most = 1U << 20U) {
    std::string got(at_most, '\0');
    const ssize_t size = ::recv(peer.get(), got.data(), got.size(), MSG_DONTWAIT);
    got.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return got;
  }
  /// Everything up to `size` bytes, running the session's loop in between.
  std::string read_all(std::size_t size) {
    std::string all;
    bool is_late = false;
    ace::loop::UvTimerFactory timers{loop};
    auto deadline = timers.make();
    deadline->once(5s, [&] { is_late = true; });
    while (all.size() < size && !is_late) {
      all += read_some();
      loop.run_once(false);
    }
    REQUIRE_FALSE(is_late);
    return all;
  }
  void run_until_gone() {
    bool is_late = false;
    ace::loop::UvTimerFactory timers{loop};
    auto deadline = timers.make();
    deadline->once(5s, [&] { is_late = true; });
    while (gone.empty() && !is_late) loop.run_once(true);
    REQUIRE_FALSE(is_late);
  }

  ace::loop::Loop loop;
  ace::test::ManualClock clock;
  ChunkWindow window;
  std::shared_ptr<RandomAccessPoint> entry;  ///< of what is pushed
  UniqueFd peer;
  std::unique_ptr<ClientSession> session;
  std::string gone;
};

}  // namespace

TEST_CASE("the head waits for the first media, and leaves with it", "[client]") {
  Fixture f;
  f.session->join(f.window, 0ms);
  CHECK(f.read_some().empty());
  CHECK(f.session->is_waiting());
  f.push(1);
  CHECK(f.read_some() == "HTTP/1.1 200 OK\r\n\r\n" + framed(body_of(1, 10)));
  CHECK_FALSE(f.session->is_waiting());
}

TEST_CASE("a client that joins late gets the window, then what comes", "[client]") {
  Fixture f{BodyFraming::UntilClose};
  for (std::uint64_t i = 1; i <= 40; ++i) f.push(i);
  f.session->join(f.window, 6s);
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
  f.session->join(f.window, 6s);
  const auto lead_in = tables + body_of(2, 10).substr(4 * 188);
  const auto wire = [&](const std::string& body) {
    return framing == BodyFraming::Chunked ? framed(body) : body;
  };
  const auto expected = "HTTP/1.1 200 OK\r\n\r\n" + wire(lead_in) + wire(body_of(3, 10));
  CHECK(f.read_all(expected.size()) == expected);
}

TEST_CASE("a slow reader gets every byte in order", "[client]") {
  Fixture f;
  f.session->join(f.window, 0ms);
  std::string expected = "HTTP/1.1 200 OK\r\n\r\n";
  for (std::uint64_t i = 1; i <= 30; ++i) {
    f.push(i, 1000);  // 30 x 188 kB: far more than the socket holds
    expected += framed(body_of(i, 1000));
  }
  CHECK(f.session->bytes_sent() < expected.size());
  CHECK(f.read_all(expected.size()) == expected);
  CHECK(f.session->skips() == 0);
}

TEST_CASE("who falls out of the window skips on a chunk's border and is counted", "[client]") {
  Fixture f{BodyFraming::UntilClose, {.span = 1h, .bytes = 1'000'000}};
  f.session->join(f.window, 0ms);
  for (std::uint64_t i = 1; i <= 30; ++i) f.push(i, 1000);
  // Room again, but the next chunks have left the window: what was begun is finished, then the
  // newest follows.
  const std::string head = "HTTP/1.1 200 OK\r\n\r\n";
  const auto begun = (f.session->bytes_sent() - head.size() + 187'999) / 188'000;
  REQUIRE(begun < 25);  // the socket takes less than what was pushed
  const auto got = f.read_all(head.size() + (begun + 1) * 188'000);
  CHECK(f.session->skips() == 1);
  const auto body = got.substr(head.size());
  CHECK(body.size() == (begun + 1) * 188'000);
  for (std::size_t at = 0; at + 188'000 <= body.size(); at += 188'000) {
    const auto chunk = body.substr(at, 188'000);
    CHECK(chunk.find_first_not_of(chunk[0]) == std::string::npos);  // whole, of one piece
  }
  CHECK(body.substr(0, 188'000) == body_of(1, 1000));
  CHECK(body.substr(body.size() - 188'000) == body_of(30, 1000));
}

TEST_CASE("filler goes to who has got all there is, and to nobody else", "[client]") {
  Fixture f{BodyFraming::UntilClose};
  const auto filler = Chunk::copy_of(ace::as_bytes(std::string(188, '-')));
  f.session->join(f.window, 0ms);
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
  f.session->join(f.window, 0ms);
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
  f.session->join(f.window, 0ms);
  f.session->refuse("HTTP/1.1 503 Service Unavailable\r\n\r\n");
  CHECK(f.read_some() == "HTTP/1.1 503 Service Unavailable\r\n\r\n");
  char byte{};
  CHECK(::recv(f.peer.get(), &byte, 1, 0) == 0);
}

TEST_CASE("a client that leaves is noticed without any media", "[client]") {
  Fixture f;
  f.session->join(f.window, 0ms);
  f.peer.reset();
  f.run_until_gone();
  CHECK(f.gone == "client closed");
}

TEST_CASE("a client that takes nothing is stuck; one that only waits is not", "[client]") {
  Fixture f;
  f.session->join(f.window, 0ms);
  f.push(1);
  f.clock.advance(1min);
  CHECK_FALSE(f.session->is_stuck(30s));
  for (std::uint64_t i = 2; i <= 30; ++i) f.push(i, 1000);
  CHECK_FALSE(f.session->is_stuck(30s));
  f.clock.advance(31s);
  CHECK(f.session->is_stuck(30s));
}

TEST_CASE("a client is drained when it has got all there is, and nothing is owed", "[client]") {
  Fixture f;
  f.session->feed_from(f.window, f.window.edge());
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
  f.session->feed_from(f.window, f.window.edge());
  for (std::uint64_t i = 1; i <= 3; ++i) f.push(i);
  const auto begun = f.read_some();
  REQUIRE(f.session->is_drained());
  const ClientSession::Progress progress{.bytes_sent = f.session->bytes_sent(), .skips = 2};
  const auto info = f.session->info();
  auto socket = f.session->release();
  f.push(4);  // the old session sends nothing any more
  CHECK(f.read_some().empty());

  f.session =
      std::make_unique<ClientSession>(f.loop, f.clock, std::move(socket), info, framing, progress);
  f.session->set_listener(&f);
  CHECK_FALSE(f.session->is_waiting());
  CHECK(f.session->is_drained());
  f.session->feed_from(f.window, {4});  // what has come meanwhile leaves at once
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

TEST_CASE("a client that waits for its place gets filler, and its end is noticed", "[client]") {
  Fixture f{BodyFraming::UntilClose};
  f.session->feed_from(f.window, f.window.edge());
  f.push(1);
  f.read_some();
  auto socket = f.session->release();
  f.session = std::make_unique<ClientSession>(f.loop, f.clock, std::move(socket),
                                              ace::clients::ClientInfo{}, BodyFraming::UntilClose,
                                              ClientSession::Progress{});
  f.session->set_listener(&f);
  f.session->send_filler(Chunk::copy_of(ace::as_bytes(std::string(188, '-'))));
  CHECK(f.read_some() == std::string(188, '-'));
  f.peer.reset();
  f.run_until_gone();
  CHECK(f.gone == "client closed");
}
