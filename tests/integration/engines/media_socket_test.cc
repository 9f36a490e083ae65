#include "workers/engines/media_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include "tests/integration/engines/session_world.h"

using namespace std::chrono_literals;
using ace::operator""_KiB;
using ace::as_text;
using ace::ByteSpan;
using ace::Errc;
using ace::Error;
using ace::UniqueFd;
using ace::engines::MediaSocket;
using ace::engines::OpenBody;
using ace::proto::http::BodyDecoder;
using ace::test::pattern;
using ace::test::run_for;
using ace::test::run_until;
using ace::test::SessionWorld;

namespace {

struct Sink final : MediaSocket::Listener {
  std::string body;
  std::optional<Error> end;
  std::function<bool()> takes;  // empty: always
  int calls{};

  bool on_media_bytes(ByteSpan bytes) override {
    ++calls;
    if (takes && !takes()) return false;
    body.append(as_text(bytes));
    return true;
  }
  void on_media_end(Error why) override { end = std::move(why); }
};

/// An answer's socket under test, and the engine's end of it.
struct World {
  World() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    engine = UniqueFd{ends[0]};
    ours = UniqueFd{ends[1]};
  }
  void start(BodyDecoder decoder = {}, std::string unread = {}) {
    media = std::make_unique<MediaSocket>(
        loop, OpenBody{.socket = std::move(ours), .decoder = decoder, .unread = std::move(unread)},
        static_cast<MediaSocket::Listener&>(sink));
  }
  void send(std::string_view text) const {
    REQUIRE(::send(engine.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
  }
  bool run(const std::function<bool()>& done) { return run_until(loop, done); }

  ace::loop::Loop loop;
  UniqueFd engine;
  UniqueFd ours;
  Sink sink;
  std::unique_ptr<MediaSocket> media;
};

BodyDecoder chunked() { return *BodyDecoder::of("chunked", ""); }

std::string framed(std::string_view body, std::size_t size) {
  std::string wire;
  for (std::size_t at = 0; at < body.size(); at += size) {
    const auto piece = body.substr(at, size);
    wire += fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
  }
  return wire;
}

}  // namespace

TEST_CASE("what was read before comes first, then the socket's bytes, then its end", "[engines]") {
  World world;
  world.start({}, "begun ");
  world.send("and gone on with");
  CHECK(world.sink.calls == 0);  // never while it is being made
  REQUIRE(world.run([&] { return world.sink.body == "begun and gone on with"; }));
  world.engine.reset();
  REQUIRE(world.run([&] { return world.sink.end.has_value(); }));
  CHECK(world.sink.end->code == Errc::Closed);
  CHECK(world.sink.end->text == "engine ended the stream");
}

TEST_CASE("an answer that ended before it was taken is delivered, and ends", "[engines]") {
  World world;
  world.ours.reset();
  world.start({}, "all there is");
  REQUIRE(world.run([&] { return world.sink.end.has_value(); }));
  CHECK(world.sink.body == "all there is");
}

TEST_CASE("every byte survives pauses at every turn, in chunked coding too", "[engines]") {
  World world;
  const auto sent = pattern(100'000);
  world.start(chunked());
  bool refuse = true;
  world.sink.takes = [&] {
    refuse = !refuse;
    if (refuse) world.media->resume();  // asked for while the bytes are being refused
    return !refuse;
  };
  world.send(framed(sent, 700) + "0\r\n\r\n");
  REQUIRE(world.run([&] { return world.sink.end.has_value(); }));
  CHECK(world.sink.end->code == Errc::Closed);
  CHECK(world.sink.body == sent);
}

TEST_CASE("broken coding ends the answer behind its last good byte", "[engines]") {
  World world;
  world.start(chunked());
  world.send("3\r\nabc\r\nnonsense\r\n");
  REQUIRE(world.run([&] { return world.sink.end.has_value(); }));
  CHECK(world.sink.end->code == Errc::Protocol);
  CHECK(world.sink.body == "abc");
}

TEST_CASE("an answer can be given up at any byte and gone on with by another", "[engines]") {
  World world;
  const auto sent = pattern(5'000);
  const auto wire = framed(sent, 300);
  world.start(chunked());
  for (std::size_t at = 0; at < wire.size(); at += 97) {
    world.send(std::string_view{wire}.substr(at, 97));
    const auto before = world.sink.body.size();
    if (at % 2 == 0) {
      world.sink.takes = [] { return false; };  // what is refused goes along
      const auto calls = world.sink.calls;
      REQUIRE(world.run([&] { return world.sink.calls > calls; }));
      CHECK(world.sink.body.size() == before);
      world.sink.takes = nullptr;
    } else {
      world.loop.run_once(false);
    }
    auto open = world.media->release();
    auto decoder = BodyDecoder::at(open.decoder.state());
    REQUIRE(decoder);
    world.ours = std::move(open.socket);
    world.start(*decoder, std::move(open.unread));
  }
  REQUIRE(world.run([&] { return world.sink.body.size() == sent.size(); }));
  CHECK(world.sink.body == sent);
  CHECK_FALSE(world.sink.end);
}

TEST_CASE("a socket may be destroyed from each of its callbacks", "[engines]") {
  World world;
  world.start(chunked(), GENERATE(std::string{}, std::string{"before"}));
  const bool by_bytes = GENERATE(true, false);
  world.sink.takes = [&] {
    if (by_bytes) world.media.reset();
    return true;
  };
  world.send("3\r\nabc\r\n3\r\ndef\r\n");
  REQUIRE(world.run([&] { return world.sink.calls > 0; }));
  world.media.reset();
  world.engine.reset();
  run_for(world.loop, 20ms);
  if (by_bytes) CHECK(world.sink.calls == 1);
  CHECK_FALSE(world.sink.end);
}

TEST_CASE("below the low-water mark bytes wait until they are asked for", "[engines]") {
  SessionWorld world;
  world.answer_getstream();
  world.play([](auto& c) { c.send("first"); });
  world.start();
  REQUIRE(world.run([&] { return world.watcher.bytes == "first"; }));
  world.session->set_low_water(64_KiB);
  auto* const connection = world.engine.connection("/ace/r/");
  connection->send(" second");
  run_for(world.loop, 100ms);
  CHECK(world.watcher.bytes == "first");
  world.session->read_waiting();
  CHECK(world.watcher.bytes == "first second");
  world.session->read_waiting();  // nothing there: nothing happens

  SECTION("the mark reached is news") {
    connection->send(pattern(100'000));
    REQUIRE(world.run([&] { return world.watcher.bytes.size() == 12 + 100'000; }));
  }
  SECTION("the end is news, with what waits before it") {
    connection->send(" third");
    connection->close();
    REQUIRE(world.run([&] { return world.watcher.error.has_value(); }));
    CHECK(world.watcher.bytes == "first second third");
  }
  SECTION("a mark taken back makes each byte news") {
    connection->send(" third");
    run_for(world.loop, 50ms);
    world.session->set_low_water(1);
    connection->send("!");
    REQUIRE(world.run([&] { return world.watcher.bytes == "first second third!"; }));
  }
}
