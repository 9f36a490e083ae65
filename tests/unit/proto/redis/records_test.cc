#include <algorithm>

#include <catch2/catch.hpp>

#include "proto/redis/client_record.h"
#include "proto/redis/stream_record.h"

using namespace ace::proto;
using ace::Errc;

TEST_CASE("a stream's record reads as it was written", "[records]") {
  StreamRecord record;
  record.state = StreamState::WaitingForClients;
  record.content_id = "c0ffee";
  record.infohash = "abad1dea";
  record.engine_id = "living-room";
  record.engine_host = "127.0.0.1";
  record.engine_port = 6878;
  record.is_engine_forwarded = true;
  record.playback_url = "http://127.0.0.1:6878/ace/r/1";
  record.stat_url = "http://127.0.0.1:6878/ace/stat/1";
  record.command_url = "http://127.0.0.1:6878/ace/cmd/1";
  record.playback_session_id = "s1";
  record.pid = "p1";
  record.is_live = true;
  record.bitrate = 8'000'000;
  record.total_bytes = 1ULL << 40U;
  record.error_message = "none";
  record.error_time = 1763800000.125;

  auto fields = to_fields(record);
  fields.emplace_back("owner", "host:12");
  fields.emplace_back("epoch", "1763800000123");
  fields.emplace_back("init_time", "1763800000.500");
  fields.emplace_back("of_the_future", "x");
  const auto read = parse_stream_record(fields);
  REQUIRE(read.has_value());
  CHECK(read->state == StreamState::WaitingForClients);
  CHECK(read->engine_port == 6878);
  CHECK(read->is_engine_forwarded);
  CHECK(read->is_live);
  CHECK_FALSE(read->is_encrypted);
  CHECK(read->bitrate == 8'000'000);
  CHECK(read->total_bytes == 1ULL << 40U);
  CHECK(read->owner == WorkerId{"host:12"});
  CHECK(read->epoch == OwnerEpoch{1763800000123});
  CHECK(read->init_time == 1763800000.5);
  CHECK(to_fields(*read) == to_fields(record));
}

TEST_CASE("what only scripts may write is not among the fields", "[records]") {
  for (const auto& [name, value] : to_fields(StreamRecord{})) {
    CHECK(name != "owner");
    CHECK(name != "epoch");
    CHECK(name != "state");  // there is none in this record
  }
}

TEST_CASE("every state has a word of its own", "[records]") {
  using enum StreamState;
  const auto state = GENERATE(Initializing, Connecting, WaitingForClients, Active, Buffering, Error,
                              Stopping, Stopped);
  CHECK(parse_stream_state(to_string(state)) == state);
  CHECK_FALSE(parse_stream_state("prebuffering").has_value());
}

TEST_CASE("junk in a record counts as not written", "[records]") {
  const auto read = parse_stream_record({{"state", "\xff"},
                                         {"epoch", "-1"},
                                         {"engine_port", "70000"},
                                         {"bitrate", "99999999999999999999"},
                                         {"init_time", "nan"},
                                         {"error_time", "1e999"}});
  REQUIRE(read.has_value());
  CHECK_FALSE(read->state.has_value());
  CHECK(read->epoch == OwnerEpoch{});
  CHECK(read->engine_port == 0);
  CHECK(read->bitrate == 0);
  CHECK(read->init_time == 0);
  CHECK(read->error_time == 0);
}

TEST_CASE("a missing hash is a missing record", "[records]") {
  CHECK(parse_stream_record({}).error().code == Errc::NotFound);
  CHECK(parse_client_record({"00ff"}, {}).error().code == Errc::NotFound);
}

TEST_CASE("a client's record reads as it was written", "[records]") {
  const ClientRecord record{.id = {"00ff"},
                            .address = "192.168.0.7",
                            .agent = "VLC/3.0",
                            .worker = {"host:12"},
                            .connected_at = 1763800000.25,
                            .figures = {.last_active = 1763800001.5,
                                        .bytes_sent = 1ULL << 33U,
                                        .lag = 2.5,
                                        .skips = 3,
                                        .stall_cause = "client_slow",
                                        .stall_time = 1763800000.75,
                                        .stall_ms = 2500,
                                        .is_stalled = true}};
  const auto read = parse_client_record({"00ff"}, to_fields(record));
  REQUIRE(read.has_value());
  CHECK(read->id == record.id);
  CHECK(read->worker == record.worker);
  CHECK(read->connected_at == record.connected_at);
  CHECK(read->figures.bytes_sent == record.figures.bytes_sent);
  CHECK(read->figures.stall_cause == "client_slow");
  CHECK(read->figures.is_stalled);
  CHECK(to_fields(*read) == to_fields(record));
}

TEST_CASE("a client's record denies the stall of an earlier one, its figures do not", "[records]") {
  const auto names_a_stall = [](const Fields& fields) {
    return std::ranges::any_of(fields, [](const auto& f) { return f.first == "stall_cause"; });
  };
  CHECK(names_a_stall(to_fields(ClientRecord{})));
  CHECK_FALSE(names_a_stall(to_fields(ClientFigures{})));
}

TEST_CASE("fields go through shared memory whole or not at all", "[records]") {
  const Fields fields{{"engine_id", "a:1"}, {"pid", ""}, {"playback_url", "http://a:1/ace/r/1/2"}};
  const auto lines = to_lines(fields, 1000);
  CHECK(parse_lines(lines) ==
        Fields{{"engine_id", "a:1"}, {"playback_url", "http://a:1/ace/r/1/2"}});
  CHECK(to_lines(fields, lines.size()) == lines);
  CHECK(to_lines(fields, lines.size() - 1).empty());
  CHECK(to_lines({{"a", "b"}, {"c", "d\ne\tf"}}, 1000).empty());
  CHECK(to_lines({{"a\tb", "c"}}, 1000).empty());
}

TEST_CASE("lines that are no fields are nothing", "[records]") {
  CHECK(parse_lines("").empty());
  CHECK(parse_lines("a\tb\nc").empty());
  CHECK(parse_lines("a\tb\nc\n").empty());
  CHECK(parse_lines("a\tb\nc\td").empty());
  CHECK(parse_lines("a\n\tb").empty());
}

TEST_CASE("a time that no calendar has is none", "[records]") {
  for (const auto* time : {"1e300", "253402300800", "-1", "nan", "inf", "1e18"}) {
    INFO(time);
    CHECK(parse_client_record({"x"}, {{"connected_at", time}})->connected_at == 0);
    CHECK_FALSE(parse_seconds(time));
  }
  CHECK(parse_seconds("253402300799") == 253402300799.0);
}
