#include <fmt/format.h>

#include <string>

#include <catch2/catch.hpp>

#include "tests/integration/engines/session_world.h"
#include "workers/engines/engine_session.h"
#include "workers/engines/stop_session.h"

using namespace std::chrono_literals;
using ace::Errc;
using ace::test::pattern;
using ace::test::run_for;
using ace::test::SessionWorld;

TEST_CASE("a playback that is gone fails and names the status", "[engines]") {
  const int status = GENERATE(404, 500, 204);
  SessionWorld world;
  world.answer_getstream();
  world.engine.on("/ace/r/", [&](auto& c) { c.answer(status, ""); });
  world.start();
  const auto why = world.failure();
  CHECK(why.code == Errc::Refused);
  CHECK(why.text == fmt::format("living: headers: status {}", status));
  CHECK(world.watcher.info);
  CHECK(world.watcher.failures == 1);
}

TEST_CASE("a playback that is gone says why in the engine's words", "[engines]") {
  SessionWorld world;
  world.answer_getstream();
  SECTION("of known length") {
    world.engine.on("/ace/r/", [](auto& c) { c.answer(500, "KeyError: 'key'"); });
  }
  SECTION("in chunks") {
    world.engine.on("/ace/r/", [](auto& c) {
      c.send("HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n");
      c.send("f\r\nKeyError: 'key'\r\n0\r\n\r\n");
    });
  }
  SECTION("up to its connection's end") {
    world.engine.on("/ace/r/", [](auto& c) {
      c.send("HTTP/1.1 500 No\r\n\r\nKeyError: 'key'");
      c.close();
    });
  }
  world.start();
  CHECK(world.failure().text == "living: headers: status 500: the text: KeyError: 'key'");
}

TEST_CASE("an engine that does not end its words is not waited for", "[engines]") {
  SessionWorld world;
  world.answer_getstream();
  world.engine.on("/ace/r/", [](auto& c) { c.send("HTTP/1.1 500 No\r\n\r\nKeyE"); });
  world.start();
  REQUIRE(world.run([&] { return world.engine.asked("/ace/r/") == 1; }));
  run_for(world.loop, 50ms);
  world.patience.advance(500ms);
  CHECK(world.failure().text == "living: headers: status 500: the text: KeyE");
}

TEST_CASE("an engine that holds its headers too long fails in phase headers", "[engines]") {
  SessionWorld world;
  world.answer_getstream();
  world.start();
  REQUIRE(world.run([&] { return world.engine.asked("/ace/r/") == 1; }));
  world.patience.advance(world.limits.first_byte);
  const auto why = world.failure();
  CHECK(why.code == Errc::Timeout);
  CHECK(why.text == "living: headers: nothing in 30000 ms");
}

TEST_CASE("headers without a byte after them fail in phase first byte", "[engines]") {
  SessionWorld world;
  world.answer_getstream();
  world.play([](auto&) {});
  bool has_headers{};
  world.watcher.on_headers = [&] { has_headers = true; };
  world.start();
  REQUIRE(world.run([&] { return has_headers; }));
  world.patience.advance(world.limits.first_byte);
  const auto why = world.failure();
  CHECK(why.code == Errc::Timeout);
  CHECK(why.text == "living: first byte: nothing in 30000 ms");
}

TEST_CASE("after the first byte silence is for others to judge", "[engines]") {
  SessionWorld world;
  world.answer_getstream();
  world.play([](auto& c) { c.send("x"); });
  world.start();
  REQUIRE(world.run([&] { return world.watcher.bytes == "x"; }));
  world.patience.advance(2 * world.limits.first_byte);
  CHECK_FALSE(world.watcher.error);
}

TEST_CASE("a stream that the engine ends has failed, with all its bytes delivered", "[engines]") {
  SessionWorld world;
  world.answer_getstream();
  world.play([](auto& c) {
    c.send("abc");
    c.close();
  });
  world.start();
  const auto why = world.failure();
  CHECK(why.code == Errc::Closed);
  CHECK(why.text == "living: reading: engine ended the stream");
  CHECK(world.watcher.bytes == "abc");
}

TEST_CASE("a stream cut by a reset has failed in phase reading", "[engines]") {
  SessionWorld world;
  world.answer_getstream();
  world.play([](auto& c) { c.send("abc"); });
  world.start();
  REQUIRE(world.run([&] { return world.watcher.bytes == "abc"; }));
  world.engine.connection("/ace/r/")->reset();
  const auto why = world.failure();
  CHECK(why.code == Errc::Closed);
  CHECK(why.text.find("living: reading: ") == 0);
}

TEST_CASE("a paused session holds the engine back and loses no byte", "[engines]") {
  SessionWorld world;
  const auto sent = pattern(12'000'000);
  world.answer_getstream();
  world.play([&](auto& c) {
    c.send(sent);
    c.close();
  });
  bool may_flow = false;
  world.watcher.takes = [&] { return may_flow || world.watcher.bytes.size() < 200'000; };
  world.start();
  REQUIRE(world.run([&] { return world.watcher.refusals == 1; }));
  // The kernels on both sides take what they will, which takes its time.
  const auto* const connection = world.engine.connection("/ace/r/");
  std::size_t held = 0;
  for (int i = 0; i < 100 && held != connection->unsent(); ++i) {
    held = connection->unsent();
    run_for(world.loop, 100ms);
  }
  CHECK(held > 1'000'000);
  CHECK(connection->unsent() == held);
  CHECK(world.watcher.refusals == 1);
  may_flow = true;
  world.session->resume();
  CHECK(world.failure().text == "living: reading: engine ended the stream");
  CHECK(world.watcher.bytes == sent);
}

TEST_CASE("a session may be destroyed from each of its callbacks", "[engines]") {
  const int where = GENERATE(0, 1, 2, 3);
  SessionWorld world;
  bool gone{};
  const auto end = [&] {
    world.session.reset();
    gone = true;
  };
  world.answer_getstream();
  world.play([](auto& c) {
    c.send("abc");
    c.close();
  });
  if (where == 0) world.watcher.on_open = end;
  if (where == 1) {
    world.watcher.takes = [&] {
      end();
      return true;
    };
  }
  if (where == 2) world.watcher.on_failed = end;
  if (where == 3) world.watcher.on_headers = end;
  world.start();
  REQUIRE(world.run([&] { return gone; }));
  run_for(world.loop, 20ms);
  CHECK(world.watcher.failures == (where == 2 ? 1 : 0));
}

TEST_CASE("a session may be followed by another from its own failure", "[engines]") {
  SessionWorld world;
  world.answer_getstream();
  world.engine.on("/ace/r/", [](auto& c) { c.answer(404, ""); });
  world.watcher.on_failed = [&] {
    if (world.watcher.failures < 3) world.start();
  };
  world.start();
  REQUIRE(world.run([&] { return world.watcher.failures == 3; }));
  CHECK(world.engine.asked("/ace/getstream") == 3);
}

TEST_CASE("a stop command is sent to the engine called, and outlives the session", "[engines]") {
  SessionWorld world;
  world.answer_getstream();
  world.play([](auto& c) { c.send("x"); });
  world.engine.on("/ace/cmd/", [](auto& c) { c.answer(200, R"({"response":"ok","error":null})"); });
  world.start();
  REQUIRE(world.run([&] { return world.watcher.bytes == "x"; }));
  auto info = *world.watcher.info;
  info.command_url = "http://10.1.2.3:99/ace/cmd/1/2?k=v";
  int stops{};
  ace::engines::stop_session(world.multi, world.timers, info, [&] { ++stops; });
  world.session.reset();
  CHECK(stops == 0);
  REQUIRE(world.run([&] { return stops > 0; }));
  CHECK(world.engine.connection("/ace/cmd/")->target() == "/ace/cmd/1/2?k=v&method=stop");
  CHECK(world.multi.kept() == 0);
  CHECK(stops == 1);
}

TEST_CASE("a stop that is never answered is given up", "[engines]") {
  SessionWorld world;
  ace::engines::SessionInfo info;
  info.host = "127.0.0.1";
  info.port = world.engine.port();
  info.command_url = "/ace/cmd/1/2";
  int stops{};
  ace::engines::stop_session(
      world.multi, world.patience, info, [&] { ++stops; }, world.limits);
  ace::engines::stop_session(world.multi, world.patience, info, nullptr, world.limits);
  REQUIRE(world.run([&] { return world.engine.asked("/ace/cmd/1/2?method=stop") == 2; }));
  world.patience.advance(world.limits.command - 1ms);
  CHECK(world.multi.kept() == 2);
  world.patience.advance(1ms);
  REQUIRE(world.run([&] { return world.multi.kept() == 0; }));
  CHECK(stops == 1);
}

TEST_CASE("a session without a command url is stopped by silence", "[engines]") {
  SessionWorld world;
  int stops{};
  ace::engines::stop_session(world.multi, world.timers, {}, [&] { ++stops; });
  CHECK(stops == 0);
  REQUIRE(world.run([&] { return stops == 1; }));
}

TEST_CASE("a session that opens after its asker has gone is stopped", "[engines]") {
  const bool by_timeout = GENERATE(false, true);
  SessionWorld world;
  world.start();
  REQUIRE(world.run([&] { return world.engine.asked("/ace/getstream") == 1; }));
  if (by_timeout) {
    world.patience.advance(world.limits.json);
    REQUIRE(world.failure().code == Errc::Timeout);
  }
  world.session.reset();
  CHECK(world.multi.kept() == 1);
  world.engine.connection("/ace/getstream")->answer(200, world.getstream_json());
  REQUIRE(world.run([&] { return world.engine.asked("/ace/cmd/1/2?method=stop") == 1; }));
  world.engine.connection("/ace/cmd/")->answer(200, R"({"response":"ok","error":null})");
  REQUIRE(world.run([&] { return world.multi.kept() == 0; }));
  CHECK(world.engine.asked("/ace/r/") == 0);
  CHECK(world.watcher.failures == (by_timeout ? 1 : 0));
}

TEST_CASE("a refusal that comes after the asker has gone ends the matter", "[engines]") {
  SessionWorld world;
  world.start();
  REQUIRE(world.run([&] { return world.engine.asked("/ace/getstream") == 1; }));
  world.session.reset();
  world.engine.connection("/ace/getstream")->answer(200, R"({"response":null,"error":"no"})");
  REQUIRE(world.run([&] { return world.multi.kept() == 0; }));
  CHECK(world.engine.asked("/ace/getstream") == 1);
  CHECK(world.engine.asked("/ace/cmd/") == 0);
}

TEST_CASE("an engine that never answers is not heard out for ever", "[engines]") {
  SessionWorld world;
  world.start();
  REQUIRE(world.run([&] { return world.engine.asked("/ace/getstream") == 1; }));
  world.session.reset();
  world.patience.advance(2 * world.limits.json - 1ms);
  REQUIRE(world.multi.kept() == 1);
  world.patience.advance(1ms);
  CHECK(world.run([&] { return world.multi.kept() == 0; }));
}

TEST_CASE("a question that never left is not heard out", "[engines]") {
  SessionWorld world;
  world.start();
  world.session.reset();
  CHECK(world.multi.kept() == 0);
}
