#include "shared/curl/transfer.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include "shared/curl/multi.h"
#include "shared/loop/fd_watcher.h"
#include "tests/integration/engines/scripted_engine.h"

using namespace std::chrono_literals;
using ace::as_text;
using ace::ByteSpan;
using ace::curl::Flow;
using ace::curl::Multi;
using ace::curl::Outcome;
using ace::curl::Phase;
using ace::curl::Request;
using ace::curl::ResponseHead;
using ace::curl::Transfer;
using ace::test::run_for;
using ace::test::run_until;
using ace::test::ScriptedEngine;

namespace {

/// Bytes that tell where they stand, so that a lost or doubled one shows.
std::string pattern(std::size_t size) {
  std::string bytes;
  bytes.reserve(size + 16);
  for (std::size_t i = 0; bytes.size() < size; ++i) bytes += fmt::format("{:x},", i);
  bytes.resize(size);
  return bytes;
}

/// No pause of this process is to run it out.
constexpr auto kConnect = 20s;

struct Reader final : Transfer::Listener {
  std::optional<ResponseHead> head;
  std::string body;
  std::optional<Outcome> outcome;
  std::function<void(ByteSpan)> on_some;
  std::function<Flow(ByteSpan)> judge;  // empty: take all
  std::function<void()> on_end;
  int calls{};

  void on_headers(const ResponseHead& got) override { head = got; }
  Flow on_bytes(ByteSpan bytes) override {
    ++calls;
    if (judge && judge(bytes) == Flow::Pause) return Flow::Pause;
    body.append(as_text(bytes));
    if (on_some) on_some(bytes);
    return Flow::Continue;
  }
  void on_done(const Outcome& got) override {
    outcome = got;
    if (on_end) on_end();
  }
};

struct World {
  ace::loop::Loop loop;
  ace::loop::UvTimerFactory timers{loop};
  ScriptedEngine engine{loop};
  Multi multi{loop, timers};
  Reader reader;
  std::unique_ptr<Transfer> transfer;

  void start(bool is_body_raw = false) {
    transfer = std::make_unique<Transfer>(
        multi,
        Request{.url = engine.url("/r"), .connect_timeout = kConnect, .is_body_raw = is_body_raw},
        reader);
  }
  bool run(const std::function<bool()>& done) { return run_until(loop, done); }
};

constexpr std::string_view kEndless = "HTTP/1.1 200 OK\r\nContent-Type: video/MP2T\r\n\r\n";

}  // namespace

TEST_CASE("an endless body comes as it is sent, until the peer ends it", "[curl]") {
  World world;
  const auto sent = pattern(3'000'000);
  world.engine.on("/r", [&](auto& c) {
    c.send(kEndless);
    c.send(sent);
    c.close();
  });
  world.start();
  REQUIRE(world.run([&] { return world.reader.outcome.has_value(); }));
  CHECK_FALSE(world.reader.outcome->error);
  CHECK(world.reader.outcome->phase == Phase::Body);
  CHECK(world.reader.head->status == 200);
  CHECK(world.reader.head->content_type == "video/MP2T");
  CHECK(world.reader.body == sent);
}

TEST_CASE("an interim answer is passed over", "[curl]") {
  World world;
  world.engine.on("/r", [](auto& c) {
    c.send("HTTP/1.1 103 Early Hints\r\nLocation: /no\r\n\r\n");
    c.answer(200, "x");
  });
  world.start();
  REQUIRE(world.run([&] { return world.reader.outcome.has_value(); }));
  CHECK(world.reader.head->status == 200);
  CHECK(world.reader.head->location.empty());
}

TEST_CASE("a redirect is an answer like any other", "[curl]") {
  World world;
  world.engine.on("/r", [](auto& c) { c.answer(302, "", "location:  /elsewhere \r\n"); });
  world.start();
  REQUIRE(world.run([&] { return world.reader.outcome.has_value(); }));
  CHECK(world.reader.head->status == 302);
  CHECK(world.reader.head->location == "/elsewhere");
  CHECK(world.engine.asked("/elsewhere") == 0);
}

TEST_CASE("a paused transfer leaves the bytes to TCP, and loses none", "[curl]") {
  World world;
  const auto sent = pattern(12'000'000);  // more than the socket buffers can hide
  world.engine.on("/r", [&](auto& c) {
    c.send(kEndless);
    c.send(sent);
    c.close();
  });
  bool is_full = true;
  world.reader.judge = [&](ByteSpan) {
    return is_full && world.reader.body.size() > 100'000 ? Flow::Pause : Flow::Continue;
  };
  world.start();
  REQUIRE(world.run([&] { return world.transfer->is_paused(); }));
  // The kernels on both sides take what they will, which takes its time.
  const auto* const connection = world.engine.connection("/r");
  const auto taken = world.reader.body.size();
  std::size_t held = 0;
  for (int i = 0; i < 100 && held != connection->unsent(); ++i) {
    held = connection->unsent();
    run_for(world.loop, 100ms);
  }
  CHECK(held > 1'000'000);
  CHECK(connection->unsent() == held);
  CHECK(world.reader.body.size() == taken);

  is_full = false;
  world.transfer->resume();
  REQUIRE(world.run([&] { return world.reader.outcome.has_value(); }));
  CHECK_FALSE(world.reader.outcome->error);
  CHECK(world.reader.body == sent);
}

TEST_CASE("every byte survives pauses at every turn, in chunked coding too", "[curl]") {
  World world;
  const auto sent = pattern(400'000);
  world.engine.on("/r", [&](auto& c) {
    c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (std::size_t at = 0; at < sent.size(); at += 7'000) {
      const auto piece = sent.substr(at, 7'000);
      c.send(fmt::format("{:x}\r\n{}\r\n", piece.size(), piece));
    }
    c.send("0\r\n\r\n");
  });
  bool refuse = true;
  world.reader.judge = [&](ByteSpan) {
    refuse = !refuse;
    if (refuse) return Flow::Continue;
    world.loop.post([&] { world.transfer->resume(); });
    return Flow::Pause;
  };
  world.start();
  REQUIRE(world.run([&] { return world.reader.outcome.has_value(); }));
  CHECK_FALSE(world.reader.outcome->error);
  CHECK(world.reader.body == sent);
}

TEST_CASE("resume never calls back from inside, and is free when nothing is paused", "[curl]") {
  World world;
  world.engine.on("/r", [](auto& c) {
    c.send(kEndless);
    c.send("abc");
  });
  bool is_full = true;
  world.reader.judge = [&](ByteSpan) { return is_full ? Flow::Pause : Flow::Continue; };
  world.start();
  world.transfer->resume();
  REQUIRE(world.run([&] { return world.transfer->is_paused(); }));
  is_full = false;
  world.transfer->resume();
  world.transfer->resume();
  CHECK(world.reader.body.empty());
  REQUIRE(world.run([&] { return world.reader.body == "abc"; }));
  CHECK(world.reader.calls == 2);
}

TEST_CASE("a resume asked for while the bytes are being refused is not lost", "[curl]") {
  World world;
  world.engine.on("/r", [](auto& c) {
    c.send(kEndless);
    c.send("abc");
  });
  world.reader.judge = [&](ByteSpan) {
    if (world.reader.calls > 1) return Flow::Continue;
    world.transfer->resume();
    return Flow::Pause;
  };
  world.start();
  REQUIRE(world.run([&] { return world.reader.body == "abc"; }));
}

TEST_CASE("a transfer destroyed while paused with a resume on its way says nothing more",
          "[curl]") {
  World world;
  world.engine.on("/r", [](auto& c) {
    c.send(kEndless);
    c.send("abc");
  });
  world.reader.judge = [&](ByteSpan) { return Flow::Pause; };
  world.start();
  REQUIRE(world.run([&] { return world.transfer->is_paused(); }));
  world.transfer->resume();
  world.transfer.reset();
  run_for(world.loop, 20ms);
  CHECK(world.reader.calls == 1);
  CHECK_FALSE(world.reader.outcome);
}

TEST_CASE("a connection can be taken away behind what was read of it", "[curl]") {
  World world;
  world.engine.on("/r", [](auto& c) {
    c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  });
  world.start(true);
  CHECK_FALSE(world.transfer->detach());  // not connected yet
  ace::UniqueFd taken_inside;
  world.reader.on_some = [&](ByteSpan) { taken_inside = world.transfer->detach(); };
  REQUIRE(world.run([&] { return world.reader.body == "3\r\nabc\r\n"; }));
  CHECK_FALSE(taken_inside);
  CHECK(world.reader.head->transfer_encoding == "chunked");
  CHECK(world.reader.head->content_length.empty());

  const auto socket = world.transfer->detach();
  REQUIRE(socket);
  world.transfer.reset();
  world.engine.connection("/r")->send("2\r\nde\r\n");
  std::string rest;
  ace::loop::FdWatcher watcher{world.loop, socket.get(), [&](ace::loop::FdEvents) {
                                 std::array<char, 64> some{};
                                 const auto size =
                                     ::recv(socket.get(), some.data(), some.size(), MSG_DONTWAIT);
                                 if (size > 0)
                                   rest.append(some.data(), static_cast<std::size_t>(size));
                               }};
  watcher.watch(true, false);
  REQUIRE(world.run([&] { return rest.size() >= 7; }));
  CHECK(rest == "2\r\nde\r\n");
  CHECK_FALSE(world.reader.outcome);
}

TEST_CASE("headers without end are cut off", "[curl]") {
  World world;
  world.engine.on("/r", [](auto& c) {
    c.send("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 10'000; ++i) c.send("X-More: and more\r\n");
  });
  world.start();
  REQUIRE(world.run([&] { return world.reader.outcome.has_value(); }));
  REQUIRE(world.reader.outcome->error);
  CHECK(world.reader.outcome->error->code == ace::Errc::TooLarge);
  CHECK_FALSE(world.reader.head);
}

TEST_CASE("a transfer may end while its host name is being resolved", "[curl]") {
  World world;
  world.transfer = std::make_unique<Transfer>(
      world.multi,
      Request{.url = fmt::format("http://localhost:{}/r", world.engine.port()),
              .connect_timeout = kConnect},
      world.reader);
  world.loop.run_once(false);
  world.transfer.reset();
  run_for(world.loop, 20ms);
  CHECK_FALSE(world.reader.outcome);
}

TEST_CASE("a transfer may be destroyed from its own bytes, and another begun there", "[curl]") {
  World world;
  const auto sent = pattern(500'000);
  world.engine.on("/r", [&](auto& c) {
    c.send(kEndless);
    c.send(sent);
  });
  world.engine.on("/r2", [](auto& c) { c.answer(200, "second"); });
  Reader second;
  std::unique_ptr<Transfer> other;
  world.reader.on_some = [&](ByteSpan) {
    world.transfer.reset();
    other = std::make_unique<Transfer>(
        world.multi, Request{.url = world.engine.url("/r2"), .connect_timeout = kConnect}, second);
  };
  world.start();
  REQUIRE(world.run([&] { return second.outcome.has_value(); }));
  CHECK(second.body == "second");
  CHECK(world.reader.calls == 1);
  CHECK_FALSE(world.reader.outcome);
}

TEST_CASE("one transfer's end may destroy another that has ended in the same turn", "[curl]") {
  World world;
  world.engine.on("/r", [](auto& c) { c.answer(200, "x"); });
  Reader second;
  auto other = std::make_unique<Transfer>(
      world.multi, Request{.url = world.engine.url("/r2"), .connect_timeout = kConnect}, second);
  world.start();
  world.reader.on_end = [&] { other.reset(); };
  second.on_end = [&] { world.transfer.reset(); };
  REQUIRE(world.run([&] { return world.reader.outcome || second.outcome; }));
  run_for(world.loop, 20ms);
  CHECK(world.reader.outcome.has_value() != second.outcome.has_value());
}

TEST_CASE("a transfer ended before the loop turned sends nothing", "[curl]") {
  World world;
  world.start();
  world.transfer.reset();
  run_for(world.loop, 20ms);
  CHECK(world.engine.asked("/") == 0);
  CHECK_FALSE(world.reader.outcome);
}

TEST_CASE("a job that the multi keeps ends with the multi", "[curl]") {
  ace::loop::Loop loop;
  ace::loop::UvTimerFactory timers{loop};
  const auto job = std::make_shared<int>(1);
  {
    Multi multi{loop, timers};
    multi.keep(job);
    CHECK(multi.kept() == 1);
    CHECK(job.use_count() == 2);
  }
  CHECK(job.use_count() == 1);
}
