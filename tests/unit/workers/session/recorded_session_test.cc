#include "workers/streams/session/recorded_session.h"

#include <catch2/catch.hpp>

using namespace ace;
using streams::recorded_session;

namespace {

engines::EngineDirectory directory() {
  engines::EngineAddress engine;
  engine.host = "10.0.0.1";
  engine.port = 6878;
  engine.name = "east";
  return engines::EngineDirectory{{engine}};
}

proto::StreamRecord record() {
  proto::StreamRecord record;
  record.engine_id = "east";
  record.engine_host = "10.0.0.1";
  record.engine_port = 6878;
  record.playback_url = "http://10.0.0.1:6878/ace/r/1/2";
  record.command_url = "http://10.0.0.1:6878/ace/cmd/1/2";
  record.pid = "77";
  return record;
}

}  // namespace

TEST_CASE("metadata lead to the session that they describe", "[recorded_session]") {
  const auto session = recorded_session(record(), directory());
  REQUIRE(session);
  CHECK(session->engine_id == "east");
  CHECK(session->command_url == record().command_url);
  CHECK(session->pid == "77");
}

TEST_CASE("metadata never lead to a host that is no engine of ours", "[recorded_session]") {
  auto other = record();
  other.engine_host = "169.254.169.254";
  other.engine_port = 80;
  const auto session = recorded_session(other, directory());
  REQUIRE(session);
  CHECK(session->host == "10.0.0.1");
  CHECK(session->port == 6878);
  other.engine_id = "169.254.169.254:80";
  CHECK_FALSE(recorded_session(other, directory()));
}

TEST_CASE("without a command url there is nothing to stop", "[recorded_session]") {
  auto half = record();
  half.command_url.clear();
  CHECK_FALSE(recorded_session(half, directory()));
  CHECK_FALSE(recorded_session({}, directory()));
}
