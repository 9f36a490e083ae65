#include "tests/engine_sim/session_table.h"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using ace::SteadyTime;
using ace::sim::SessionState;
using ace::sim::SessionTable;
using ace::sim::StreamLedger;

namespace {

struct Table {
  StreamLedger engine;
  StreamLedger all;
  SessionTable sessions{10s, {&engine, &all}};
};

constexpr SteadyTime kStart{1h};

}  // namespace

TEST_CASE("another player of the stream ends the first one's session", "[sim_sessions]") {
  Table table;
  auto& first = table.sessions.open("hash", "id", "1", kStart);
  auto& second = table.sessions.open("hash", "id", "2", kStart);
  CHECK(first.state == SessionState::Superseded);
  CHECK(second.is_alive());
  CHECK(first.key != second.key);
  CHECK(table.engine.streams().at("hash").opened == 2);
  CHECK(table.engine.streams().at("hash").max_alive == 1);
}

TEST_CASE("the same player takes its session over", "[sim_sessions]") {
  Table table;
  const auto key = table.sessions.open("hash", "id", "1", kStart).key;
  CHECK(table.sessions.open("hash", "hash", "1", kStart).key == key);
  CHECK(table.engine.total().opened == 1);
  CHECK(table.engine.streams().at("hash").ids.size() == 2);
}

TEST_CASE("a player that gives no pid is never the same as another", "[sim_sessions]") {
  Table table;
  auto& first = table.sessions.open("hash", "id", "", kStart);
  table.sessions.open("hash", "id", "", kStart);
  CHECK(first.state == SessionState::Superseded);
}

TEST_CASE("different streams play side by side", "[sim_sessions]") {
  Table table;
  table.sessions.open("one", "one", "1", kStart);
  table.sessions.open("two", "two", "1", kStart);
  CHECK(table.engine.total().alive == 2);
  CHECK(table.all.total().max_alive == 2);
}

TEST_CASE("a session that nobody reads ends after the linger time", "[sim_sessions]") {
  Table table;
  auto& session = table.sessions.open("hash", "id", "1", kStart);
  table.sessions.attach(session, 7);
  table.sessions.end_abandoned(kStart + 1h);
  CHECK(session.is_alive());
  table.sessions.detach(session, kStart + 1h);
  table.sessions.end_abandoned(kStart + 1h + 9999ms);
  CHECK(session.is_alive());
  table.sessions.end_abandoned(kStart + 1h + 10s);
  CHECK(session.state == SessionState::Abandoned);
  CHECK(table.all.total().alive == 0);
}

TEST_CASE("a session ends once, for the first reason", "[sim_sessions]") {
  Table table;
  auto& session = table.sessions.open("hash", "id", "1", kStart);
  table.sessions.end(session, SessionState::Stopped);
  table.sessions.end(session, SessionState::Abandoned);
  CHECK(session.state == SessionState::Stopped);
  CHECK(table.all.total().alive == 0);
}

TEST_CASE("a session is found by infohash and key together", "[sim_sessions]") {
  Table table;
  const auto key = table.sessions.open("hash", "id", "1", kStart).key;
  CHECK(table.sessions.find("hash", key) != nullptr);
  CHECK(table.sessions.find("other", key) == nullptr);
  CHECK(table.sessions.find("hash", "none") == nullptr);
}
