#include "proto/engine/engine_api.h"

#include <random>
#include <string>

#include <catch2/catch.hpp>

using ace::Errc;
using ace::proto::StreamId;
using namespace ace::proto::engine;

namespace {

const Authority kCalled{"10.0.0.7", 6878};

const std::string kGetstream =
    R"({"response": {"stat_url": "http://127.0.0.1:6878/ace/stat/aa/bb", )"
    R"("playback_session_id": "8f4cb", "is_live": 1, )"
    R"("playback_url": "http://127.0.0.1:6878/ace/r/aa/bb", "is_encrypted": 0, )"
    R"("client_session_id": -1, "infohash": "ABCDEF0123456789abcdef0123456789abcdef01", )"
    R"("command_url": "http://127.0.0.1:6878/ace/cmd/aa/bb", "bitrate": "812500"}, "error": null})";

const std::string kStat =
    R"({"response": {"status": "dl", "peers": 12, "speed_down": "830", "speed_up": 3.7, )"
    R"("downloaded": 52428800, "uploaded": 1048576, "livepos": {"last": "1440679434", )"
    R"("live_first": "1440675834", "pos": "1440679430", "first_ts": "1", "last_ts": "2", )"
    R"("live_last": "1440679434", "buffer_pieces": "15"}}, "error": null})";

std::string getstream_with(const std::string& field) {
  return R"({"response":{"playback_url":"/ace/r/1/2",)" + field + "}}";
}

}  // namespace

TEST_CASE("a getstream answer is read, and its urls lead to the engine called", "[engine_api]") {
  const auto answer = parse_getstream(kGetstream, kCalled);
  REQUIRE(answer);
  CHECK(answer->playback_url == "http://10.0.0.7:6878/ace/r/aa/bb");
  CHECK(answer->stat_url == "http://10.0.0.7:6878/ace/stat/aa/bb");
  CHECK(answer->command_url == "http://10.0.0.7:6878/ace/cmd/aa/bb");
  CHECK(answer->event_url.empty());
  CHECK(answer->playback_session_id == "8f4cb");
  CHECK(answer->infohash == "abcdef0123456789abcdef0123456789abcdef01");
  CHECK(answer->is_live);
  CHECK_FALSE(answer->is_encrypted);
  CHECK(answer->bitrate == 812500);
}

TEST_CASE("all but the playback url may be missing, null or of another type", "[engine_api]") {
  const std::string field =
      GENERATE(R"("x":1)", R"("stat_url":null,"command_url":null,"infohash":null)",
               R"("stat_url":7,"infohash":[],"is_live":{},"is_encrypted":"no","bitrate":true)",
               R"("infohash":"short","bitrate":1e300,"is_live":"yes")");
  const auto answer = parse_getstream(getstream_with(field), kCalled);
  REQUIRE(answer);
  CHECK(answer->stat_url.empty());
  CHECK(answer->infohash.empty());
  CHECK(answer->is_live);
  CHECK_FALSE(answer->is_encrypted);
}

TEST_CASE("only a sure engine says that a stream is not live", "[engine_api]") {
  CHECK(parse_getstream(getstream_with(R"("is_live":-1)"), kCalled)->is_live);
  CHECK(parse_getstream(getstream_with(R"("is_live":"1")"), kCalled)->is_live);
  CHECK_FALSE(parse_getstream(getstream_with(R"("is_live":0)"), kCalled)->is_live);
  CHECK_FALSE(parse_getstream(getstream_with(R"("is_live":false)"), kCalled)->is_live);
}

TEST_CASE("the engine's own error is a refusal in its words", "[engine_api]") {
  const auto answer =
      parse_getstream(R"({"response":null,"error":"failed to load content"})", kCalled);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Errc::Refused);
  CHECK(answer.error().text == "failed to load content");
  const auto api = parse_network_status(R"({"error":{"message":"auth_error","code":7}})");
  REQUIRE_FALSE(api);
  CHECK(api.error().text == "auth_error");
  CHECK(parse_command(R"({"response":null,"error":7})").error().code == Errc::Refused);
}

TEST_CASE("an engine's error stays one line of bounded length", "[engine_api]") {
  const auto lines = parse_command(R"({"error":"a\r\nb\u0000c\u001bd"})");
  CHECK(lines.error().text == "a  b c d");
  std::string euros;
  for (int i = 0; i < 400; ++i) euros += "\xE2\x82\xAC";
  const auto cut = parse_command(R"({"error":")" + euros + R"("})").error().text;
  CHECK(cut.size() <= 200);
  CHECK(cut.size() % 3 == 0);
}

TEST_CASE("what is not the answer it should be is a protocol error", "[engine_api]") {
  const std::string json = GENERATE(
      "", "null", "[]", "{}", "7", R"({"response":null,"error":null})", R"({"response":"ok"})",
      R"({"response":[]})", R"({"response":{}})", R"({"response":{"playback_url":""}})",
      R"({"response":{"playback_url":7}})", R"({"response":{"playback_url":"/a"}} trailing)",
      "{\"response\":{\"playback_url\":\"/a\xff\"}}", R"({"response":{"playback_url":"/\ud800"}})",
      "<html></html>");
  const auto answer = parse_getstream(json, kCalled);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Errc::Protocol);
}

TEST_CASE("one bad url spoils an answer", "[engine_api]") {
  const auto answer = parse_getstream(getstream_with(R"("stat_url":"stat")"), kCalled);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Errc::Protocol);
  CHECK(answer.error().text.find("stat_url: ") == 0);
}

TEST_CASE("an answer cut at any byte is refused and harms nobody", "[engine_api]") {
  for (const auto& whole : {kGetstream, kStat}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const std::string cut = whole.substr(0, size);  // a copy: reading past it shows under ASan
      REQUIRE(parse_getstream(cut, kCalled).error().code == Errc::Protocol);
      REQUIRE(parse_stat(cut).error().code == Errc::Protocol);
    }
  }
}

TEST_CASE("an answer with broken bytes harms nobody", "[engine_api]") {
  std::mt19937 random{20260108};
  for (int round = 0; round < 20'000; ++round) {
    std::string broken = round % 2 == 0 ? kGetstream : kStat;
    for (unsigned hits = 1 + random() % 4; hits > 0; --hits) {
      broken[random() % broken.size()] = static_cast<char>(random() % 256);
    }
    if (const auto answer = parse_getstream(broken, kCalled)) {
      REQUIRE(answer->playback_url.find("http://10.0.0.7:6878/") == 0);
    }
    static_cast<void>(parse_stat(broken).has_value());
    static_cast<void>(parse_version(broken).has_value());
  }
}

TEST_CASE("nesting without end neither recurses nor is accepted", "[engine_api]") {
  CHECK(parse_getstream(std::string(200'000, '['), kCalled).error().code == Errc::Protocol);
  const auto nested = R"({"response":{"playback_url":"/a","x":)" + std::string(100'000, '[') +
                      std::string(100'000, ']') + "}}";
  CHECK(parse_getstream(nested, kCalled));
}

TEST_CASE("an answer over the size limit is not even parsed", "[engine_api]") {
  const auto huge = kGetstream + std::string(kMaxAnswerBytes, ' ');
  CHECK(parse_getstream(huge, kCalled).error().code == Errc::TooLarge);
  CHECK(parse_command(huge).error().code == Errc::TooLarge);
}

TEST_CASE("a url keeps only path and query", "[engine_api]") {
  const std::string base = "http://10.0.0.7:6878";
  CHECK(rebuilt_url("http://127.0.0.1:1/ace/r/a?b=c&d", kCalled).value() ==
        base + "/ace/r/a?b=c&d");
  CHECK(rebuilt_url("https://evil.example/x", kCalled).value() == base + "/x");
  CHECK(rebuilt_url("http://user:word@h:1/x#frag", kCalled).value() == base + "/x");
  CHECK(rebuilt_url("/ace/r/a", kCalled).value() == base + "/ace/r/a");
  CHECK(rebuilt_url("/r", {"::1", 80}).value() == "http://[::1]:80/r");
}

TEST_CASE("a url that could lead astray is refused", "[engine_api]") {
  const std::string url = GENERATE("", "ace/r/a", "//evil/x", "http://", "http://h", "http://h?x",
                                   "http://h#/x", "ftp://h/x", "HTTP://h/x", "file:///etc/passwd",
                                   "/a b", "/a\r\nHost: x", "/a\x7f", "/a\xc3\xa9", "http:///x y");
  const auto rebuilt = rebuilt_url(url, kCalled);
  REQUIRE_FALSE(rebuilt);
  CHECK(rebuilt.error().code == Errc::Protocol);
}

TEST_CASE("a stat answer is read with numbers in either spelling", "[engine_api]") {
  const auto stat = parse_stat(kStat);
  REQUIRE(stat);
  CHECK(stat->status == "dl");
  CHECK(stat->peers == 12);
  CHECK(stat->speed_down == 830);
  CHECK(stat->speed_up == 3);
  CHECK(stat->downloaded == 52428800);
  REQUIRE(stat->livepos);
  CHECK(stat->livepos->first == 1440675834);
  CHECK(stat->livepos->last == 1440679434);
  CHECK(stat->livepos->position == 1440679430);
  CHECK(stat->livepos->buffer_pieces == 15);

  const auto ended = parse_stat(R"({"response":null,"error":"unknown playback session id"})");
  REQUIRE_FALSE(ended);
  CHECK(is_unknown_session(ended.error().text));
  CHECK_FALSE(parse_stat(R"({"response":{"status":"prebuf"}})")->livepos);
}

TEST_CASE("command, version and network answers are read", "[engine_api]") {
  CHECK(parse_command(R"({"response":"ok","error":null})"));
  CHECK(parse_command(R"({"response":null,"error":"no"})").error().text == "no");
  const auto version = parse_version(
      R"({"result":{"code":3017000,"platform":"linux","version":"3.1.70"},"error":null})");
  REQUIRE(version);
  CHECK(version->code == 3017000);
  CHECK(version->version == "3.1.70");
  CHECK(version->platform == "linux");
  CHECK(parse_version(R"({"result":{}})").error().code == Errc::Protocol);
  CHECK(parse_network_status(R"({"result":{"connected":true}})").value());
  CHECK_FALSE(parse_network_status(R"({"result":{"connected":false}})").value());
}

TEST_CASE("the question names id or infohash, and the player", "[engine_api]") {
  const auto id = StreamId::parse("0123456789abcdef0123456789ABCDEF01234567").value();
  CHECK(getstream_target(id, IdKind::ContentId, "p1") ==
        "/ace/getstream?format=json&id=0123456789abcdef0123456789abcdef01234567&pid=p1");
  CHECK(getstream_target(id, IdKind::Infohash, "p1") ==
        "/ace/getstream?format=json&infohash=0123456789abcdef0123456789abcdef01234567&pid=p1");
  CHECK(is_taken_over("got newer download"));
  CHECK_FALSE(is_taken_over("failed to load content"));
}
