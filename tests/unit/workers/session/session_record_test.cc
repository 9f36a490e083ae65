#include "workers/streams/session/session_record.h"

#include <catch2/catch.hpp>

using ace::engines::SessionInfo;
using ace::proto::StreamRecord;
using namespace ace::streams;

namespace {

SessionInfo session() {
  return {.engine_id = "e1",
          .host = "10.0.0.1",
          .port = 6878,
          .forwarded = true,
          .playback_url = "http://10.0.0.1:6878/ace/r/1/2",
          .stat_url = "",
          .command_url = "http://10.0.0.1:6878/ace/cmd/1/2",
          .playback_session_id = "s",
          .infohash = std::string(40, 'b'),
          .pid = "p",
          .is_live = true,
          .is_encrypted = false};
}

StreamRecord record_with(const SessionInfo& info) {
  StreamRecord record;
  set_session(record, info);
  return record;
}

}  // namespace

TEST_CASE("an engine session goes through the host's table and comes out whole", "[session]") {
  const auto read = parse_session(to_text(record_with(session())));
  REQUIRE(read.has_value());
  CHECK(read->engine_id == "e1");
  CHECK(read->host == "10.0.0.1");
  CHECK(read->port == 6878);
  CHECK(read->forwarded);
  CHECK(read->playback_url == session().playback_url);
  CHECK(read->stat_url.empty());
  CHECK(read->command_url == session().command_url);
  CHECK(read->playback_session_id == "s");
  CHECK(read->infohash == session().infohash);
  CHECK(read->pid == "p");
  CHECK(read->is_live);
  CHECK_FALSE(read->is_encrypted);
}

TEST_CASE("what cannot be played is no session", "[session]") {
  auto info = session();
  info.playback_url.clear();
  CHECK_FALSE(session_of(record_with(info)).has_value());
  CHECK_FALSE(parse_session(to_text(record_with(info))).has_value());
  CHECK_FALSE(session_of(StreamRecord{}).has_value());
  CHECK_FALSE(parse_session("").has_value());
  CHECK_FALSE(parse_session("junk").has_value());

  info = session();
  info.stat_url = std::string(5000, 'x');  // more than the table holds
  CHECK(to_text(record_with(info)).empty());
}

TEST_CASE("an engine that is asked for a session has none yet", "[session]") {
  auto record = record_with(session());
  SessionInfo asked;
  asked.engine_id = "e2";
  set_session(record, asked);
  CHECK(record.engine_id == "e2");
  CHECK_FALSE(session_of(record).has_value());
  CHECK(record.command_url.empty());
}

TEST_CASE("what an engine says of its session ends with the session", "[session]") {
  auto record = record_with(session());
  ace::proto::engine::StatAnswer stat;
  stat.status = "dl";
  stat.peers = 12;
  stat.speed_down = -1;
  stat.livepos = ace::proto::engine::LivePosition{.first = 1, .last = 9, .position = 5};
  set_stat(record, stat);
  record.stat_time = 42;
  CHECK(record.engine_status == "dl");
  CHECK(record.peers == 12);
  CHECK(record.speed_down == 0);
  CHECK(record.livepos_last == 9);
  const auto told = ace::proto::parse_stream_record(ace::proto::parse_lines(to_text(record)));
  REQUIRE(told);
  CHECK(told->peers == 12);
  CHECK(told->livepos_position == 5);
  CHECK(told->stat_time == 42);
  set_session(record, session());
  CHECK(record.peers == 0);
  CHECK(record.engine_status.empty());
  CHECK(record.stat_time == 0);
}

TEST_CASE("an error is one line of bounded length, whatever an engine says", "[session]") {
  auto record = record_with(session());
  set_error(record, "e1: getstream: a\tb\nc\x7f" + std::string(5000, 'x'),
            ace::WallTime{std::chrono::seconds{1'700'000'000}});
  CHECK(record.error_message.substr(0, 22) == "e1: getstream: a b c x");
  CHECK(record.error_message.size() <= 256);
  CHECK(record.error_time == 1'700'000'000);
  const auto told = ace::proto::parse_stream_record(ace::proto::parse_lines(to_text(record)));
  REQUIRE(told);
  CHECK(told->error_message == record.error_message);
  set_session(record, session());
  CHECK(record.error_message == told->error_message);  // it is the stream's, not the session's
}

TEST_CASE("no word of an engine's breaks the record of its session", "[session]") {
  auto record = record_with(session());
  for (const auto* status : {"d\tl", "d\nl", "d l", "\xc3\xa4", "DL"}) {
    ace::proto::engine::StatAnswer stat;
    stat.status = status;
    set_stat(record, stat);
    INFO(status);
    CHECK(record.engine_status.empty());
    CHECK(parse_session(to_text(record)));
  }
}
