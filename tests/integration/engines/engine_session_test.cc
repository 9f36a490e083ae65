#include "workers/engines/engine_session.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "tests/integration/engines/session_world.h"
#include "workers/engines/engine_query.h"

using namespace std::chrono_literals;
using ace::Errc;
using ace::test::kMedia;
using ace::test::pattern;
using ace::test::run_for;
using ace::test::run_until;
using ace::test::SessionWorld;

TEST_CASE("a session is asked for, opened, and its bytes come exactly", "[engines]") {
  SessionWorld world;
  const auto sent = pattern(2'000'000);
  world.answer_getstream();
  world.play([&](auto& c) { c.send(sent); });
  world.start();
  REQUIRE(world.run([&] { return world.watcher.bytes.size() == sent.size(); }));
  CHECK(world.watcher.bytes == sent);
  REQUIRE(world.watcher.info);
  const auto& info = *world.watcher.info;
  CHECK(info.engine_id == "living");
  CHECK(info.host == "127.0.0.1");
  CHECK(info.port == world.engine.port());
  CHECK(info.forwarded);
  CHECK(info.playback_url == world.engine.url("/ace/r/1/2"));
  CHECK(info.stat_url == world.engine.url("/ace/stat/1/2"));
  CHECK(info.command_url == world.engine.url("/ace/cmd/1/2"));
  CHECK(info.playback_session_id == "s1");
  CHECK(info.pid.size() == 32);
  CHECK(info.is_live);
  CHECK(world.engine.connection("/ace/getstream")->target() ==
        fmt::format("/ace/getstream?format=json&id={}&pid={}", SessionWorld::kId, info.pid));
}

TEST_CASE("two sessions never share a pid", "[engines]") {
  SessionWorld world;
  world.answer_getstream();
  world.play([](auto&) {});
  world.start();
  REQUIRE(world.run([&] { return world.watcher.info.has_value(); }));
  const auto first = world.watcher.info->pid;
  world.watcher.info.reset();
  world.start();
  REQUIRE(world.run([&] { return world.watcher.info.has_value(); }));
  CHECK(world.watcher.info->pid != first);
}

TEST_CASE("where the id is refused it is asked for as an infohash, once, with one pid",
          "[engines]") {
  SessionWorld world;
  world.engine.on("/ace/getstream?format=json&id=", [](auto& c) {
    c.answer(200, R"({"response":null,"error":"failed to load content"})");
  });
  world.engine.on("/ace/getstream?format=json&infohash=",
                  [&](auto& c) { c.answer(200, world.getstream_json()); });
  world.play([](auto& c) { c.send("x"); });
  world.start();
  REQUIRE(world.run([&] { return world.watcher.bytes == "x"; }));
  CHECK(world.engine.asked("/ace/getstream") == 2);
  CHECK(world.engine.connection("/ace/getstream")->target() ==
        fmt::format("/ace/getstream?format=json&infohash={}&pid={}", SessionWorld::kId,
                    world.watcher.info->pid));
}

TEST_CASE("an id refused in both ways fails with the engine's own words", "[engines]") {
  SessionWorld world;
  world.engine.on("/ace/getstream", [](auto& c) {
    c.answer(500, R"({"response":null,"error":"failed to load content"})");
  });
  world.start();
  const auto why = world.failure();
  CHECK(why.code == Errc::Refused);
  CHECK(why.text == "living: getstream: failed to load content");
  CHECK(world.engine.asked("/ace/getstream") == 2);
}

TEST_CASE("a stream taken by another player is not asked for again", "[engines]") {
  SessionWorld world;
  world.engine.on("/ace/getstream", [](auto& c) {
    c.answer(200, R"({"response":null,"error":"got newer download"})");
  });
  world.start();
  CHECK(world.failure().text == "living: getstream: got newer download");
  CHECK(world.engine.asked("/ace/getstream") == 1);
}

TEST_CASE("an engine that is not there fails in phase connect", "[engines]") {
  SessionWorld world;
  const ace::test::ClosedPort closed;
  world.address.port = closed.port();
  world.start();
  const auto why = world.failure();
  CHECK(why.code == Errc::Unavailable);
  CHECK(why.text.find("living: connect: ") == 0);
}

TEST_CASE("an engine that swallows the connection attempt fails in phase connect", "[engines]") {
  SessionWorld world;
  const ace::test::SilentPort silent;
  world.address.port = silent.port();
  world.limits.connect = 50ms;
  world.start();
  const auto why = world.failure();
  CHECK(why.code == Errc::Unavailable);
  CHECK(why.text.find("living: connect: ") == 0);
  CHECK(world.multi.kept() == 0);
}

TEST_CASE("an engine that hangs before its answer fails in phase getstream", "[engines]") {
  SessionWorld world;
  world.start();
  REQUIRE(world.run([&] { return world.engine.asked("/ace/getstream") == 1; }));
  world.patience.advance(world.limits.json - 1ms);
  CHECK_FALSE(world.watcher.error);
  world.patience.advance(1ms);
  REQUIRE(world.watcher.error);
  CHECK(world.watcher.error->code == Errc::Timeout);
  CHECK(world.watcher.error->text == "living: getstream: no answer in 15000 ms");
}

TEST_CASE("an answer that comes in single bytes is an answer", "[engines]") {
  SessionWorld world;
  const auto json = world.getstream_json();
  const auto timer = world.timers.make();
  std::size_t at{};
  world.engine.on("/ace/getstream", [&](auto& c) {
    c.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", json.size()));
    timer->every(1ms, [&] {
      if (at < json.size()) c.send(json.substr(at++, 1));
    });
  });
  world.play([](auto& c) { c.send("x"); });
  world.start();
  REQUIRE(world.run([&] { return world.watcher.bytes == "x"; }));
}

TEST_CASE("an answer that makes no sense fails as protocol", "[engines]") {
  const std::string body =
      GENERATE(std::string{"<html>"}, std::string{}, std::string{R"({"response":{},"error":null})"},
               std::string{R"({"response":{"playback_url":"ftp://x/y"},"error":null})"},
               std::string(200'000, '['));
  SessionWorld world;
  world.engine.on("/ace/getstream", [&](auto& c) { c.answer(200, body); });
  world.start();
  const auto why = world.failure();
  CHECK(why.code == Errc::Protocol);
  CHECK(why.text.find("living: getstream: ") == 0);
}

TEST_CASE("an answer without end is cut off", "[engines]") {
  SessionWorld world;
  world.engine.on("/ace/getstream", [&](auto& c) { c.answer(200, std::string(300'000, ' ')); });
  world.start();
  CHECK(world.failure().code == Errc::TooLarge);
}

TEST_CASE("a status other than 200 on getstream is named", "[engines]") {
  SessionWorld world;
  world.engine.on("/ace/getstream", [&](auto& c) { c.answer(403, "not from there"); });
  world.start();
  const auto why = world.failure();
  CHECK(why.code == Errc::Refused);
  CHECK(why.text == "living: getstream: status 403: the text: not from there");
}

TEST_CASE("an answer that is no JSON is told in words", "[engines]") {
  SessionWorld world;
  world.engine.on("/ace/getstream", [&](auto& c) { c.answer(200, "<h1>It works!</h1>"); });
  world.start();
  CHECK(world.failure().text == "living: getstream: answer is not a json object: HTML: It works!");
}

TEST_CASE("redirects within the engine are followed, for getstream and playback", "[engines]") {
  SessionWorld world;
  world.engine.on("/ace/getstream", [&](auto& c) { c.answer(302, "", "Location: /g2\r\n"); });
  world.engine.on("/g2", [&](auto& c) { c.answer(200, world.getstream_json()); });
  world.engine.on("/ace/r/", [&](auto& c) {
    c.answer(307, "", fmt::format("Location: {}\r\n", world.engine.url("/p2?x=1")));
  });
  world.engine.on("/p2", [&](auto& c) {
    c.send(kMedia);
    c.send("x");
  });
  world.start();
  REQUIRE(world.run([&] { return world.watcher.bytes == "x"; }));
  CHECK(world.engine.connection("/p2")->target() == "/p2?x=1");
}

TEST_CASE("a ring of redirects ends after three", "[engines]") {
  const bool in_playback = GENERATE(false, true);
  SessionWorld world;
  if (in_playback) world.answer_getstream();
  const std::string where = in_playback ? "/ace/r/" : "/ace/getstream";
  world.engine.on(where, [](auto& c) { c.answer(302, "", "Location: " + c.target() + "\r\n"); });
  world.start();
  const auto why = world.failure();
  CHECK(why.code == Errc::Protocol);
  CHECK(why.text ==
        fmt::format("living: {}: too many redirects", in_playback ? "headers" : "getstream"));
  CHECK(world.engine.asked(where) == 4);
}

TEST_CASE("a redirect to anybody else is refused", "[engines]") {
  const bool in_playback = GENERATE(false, true);
  SessionWorld world;
  ace::test::ScriptedEngine other{world.loop};
  if (in_playback) world.answer_getstream();
  world.engine.on(in_playback ? "/ace/r/" : "/ace/getstream", [&](auto& c) {
    c.answer(302, "", fmt::format("Location: {}\r\n", other.url("/secret")));
  });
  world.start();
  const auto why = world.failure();
  CHECK(why.code == Errc::Protocol);
  CHECK(why.text.ends_with("redirect to another host: " + other.url("/secret")));
  CHECK(other.asked("/") == 0);
}

TEST_CASE("no url of an answer leads anywhere but to the engine", "[engines]") {
  SessionWorld world;
  ace::test::ScriptedEngine other{world.loop};
  world.engine.on("/ace/getstream", [&](auto& c) {
    c.answer(200, fmt::format(R"({{"response":{{"playback_url":"{}","command_url":"{}"}}}})",
                              other.url("/ace/r/9/9"), other.url("/ace/cmd/9/9")));
  });
  world.play([](auto& c) { c.send("x"); });
  world.start();
  REQUIRE(world.run([&] { return world.watcher.bytes == "x"; }));
  CHECK(world.watcher.info->playback_url == world.engine.url("/ace/r/9/9"));
  CHECK(world.watcher.info->command_url == world.engine.url("/ace/cmd/9/9"));
  CHECK(other.asked("/") == 0);
}

TEST_CASE("an engine is asked how a session does", "[engines]") {
  SessionWorld world;
  world.engine.on("/ace/stat/", [](auto& c) {
    c.answer(200, R"({"response":{"status":"dl","peers":7},"error":null})");
  });
  ace::engines::SessionInfo info;
  info.engine_id = "living";
  info.host = "127.0.0.1";
  info.port = world.engine.port();
  info.stat_url = "http://172.17.0.2:6878/ace/stat/1/2";
  std::optional<ace::Result<ace::proto::engine::StatAnswer>> answer;
  auto query = ace::engines::ask_stat(world.multi, world.patience, info, world.limits,
                                      [&](auto got) { answer = std::move(got); });
  REQUIRE(query);
  REQUIRE(world.run([&] { return answer.has_value(); }));
  REQUIRE(*answer);
  CHECK((*answer)->peers == 7);

  info.stat_url.clear();
  query = ace::engines::ask_stat(world.multi, world.patience, info, world.limits, [](auto) {});
  REQUIRE_FALSE(query);
  CHECK(query.error().code == Errc::NotFound);
}

TEST_CASE("an engine is asked whether it is there and connected", "[engines]") {
  SessionWorld world;
  world.engine.on("/webui/api/service?method=get_version", [](auto& c) {
    c.answer(200, R"({"result":{"version":"3.1.70","device_id":"d1"},"error":null})");
  });
  std::optional<ace::Result<ace::engines::EngineSelf>> version;
  const auto asked =
      ace::engines::ask_version(world.multi, world.patience, world.address, world.limits,
                                [&](auto got) { version = std::move(got); });
  std::optional<ace::Result<bool>> connected;
  const auto unanswered =
      ace::engines::ask_network_status(world.multi, world.patience, world.address, world.limits,
                                       [&](auto got) { connected = std::move(got); });
  REQUIRE(world.run([&] { return version.has_value(); }));
  REQUIRE(*version);
  CHECK((*version)->version == "3.1.70");
  CHECK((*version)->identity.device == "d1");
  CHECK((*version)->identity.endpoint == fmt::format("127.0.0.1:{}", world.engine.port()));
  CHECK_FALSE(connected);
  world.patience.advance(world.limits.command);
  REQUIRE(connected);
  REQUIRE_FALSE(*connected);
  CHECK(connected->error().code == Errc::Timeout);
  CHECK(connected->error().text.find("living: network status: ") == 0);
}

TEST_CASE("a session found in metadata is played without asking for one", "[engines]") {
  SessionWorld world;
  world.play([](auto& c) { c.send("x"); });
  ace::engines::SessionInfo info;
  info.playback_url = "http://10.0.0.9:6878/ace/r/1/2";
  world.make();
  REQUIRE(world.session->adopt(info));
  REQUIRE(world.run([&] { return world.watcher.bytes == "x"; }));
  CHECK_FALSE(world.watcher.info);
  CHECK(world.engine.asked("/ace/getstream") == 0);

  info.playback_url = "nowhere";
  world.make();
  const auto refused = world.session->adopt(info);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::Protocol);
}
