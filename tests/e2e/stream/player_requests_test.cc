// Requests as players make them: other spellings of a stream's address, other versions and headers,
// and what comes before and after the one that stays.

#include <algorithm>
#include <cctype>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

ServiceOptions small() { return {.workers = 2, .bitrate = 1'000'000}; }

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

const HeaderList kPage{{"Origin", "https://tv.example"}};

}  // namespace

TEST_CASE("all spellings of a stream's address are one session", "[players]") {
  const Service service{small()};
  const auto id = stream_id(0xabc);
  const auto base = "http://127.0.0.1:" + std::to_string(service.port());
  Viewers viewers{service.port()};
  for (const auto& target :
       {stream_target(id), stream_target(upper(id)), "/ace/getstream.ts?id=" + id,
        "/ace/" + id + ".ts", "/ace/" + upper(id) + ".ts", "/ace/getstream?id=acestream://" + id,
        "/ace/getstream?id=acestream%3A%2F%2F" + id, base + stream_target(id),
        "/ace/getstream?pid=99&format=json&id=" + id + "&use_api_events=1"}) {
    viewers.open(1, target);
  }
  REQUIRE(viewers.run_until([&] { return viewers.count_with_bytes(1) == viewers.size(); }, 20s));
  CHECK(viewers.count(ViewerState::Streaming) == viewers.size());
  CHECK(viewers.faults().empty());
  const auto state = service.engines().state();
  CHECK(state.stream(id).opened == 1);
  CHECK(state.engine(0, "sessions_opened") == 1);
  CHECK(service.started_streams().size() == 1);
}

TEST_CASE("a range is ignored, and nothing invites to ask for one", "[players]") {
  const Service service{small()};
  Viewers viewers{service.port()};
  for (const auto* range : {"bytes=0-", "bytes=500-", "bytes=0-99", "bytes=9-1", "junk"}) {
    ViewerOptions options;
    options.headers = {{"Range", range}, {"Icy-MetaData", "1"}, {"Accept-Encoding", "gzip"}};
    viewers.open(1, stream_target(stream_id(1)), options);
  }
  REQUIRE(viewers.run_until([&] { return viewers.count_with_bytes(1) == viewers.size(); }, 20s));
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    const auto& headers = viewers.at(i).headers();
    CHECK(viewers.at(i).status() == 200);
    CHECK(headers.find("accept-ranges") == "none");
    CHECK(headers.find("connection") == "close");
    CHECK_FALSE(headers.find("content-length"));
    CHECK_FALSE(headers.find("content-range"));
    CHECK_FALSE(headers.find("content-encoding"));
  }
  CHECK(viewers.faults().empty());
}

TEST_CASE("HEAD says what GET would, for every spelling, and asks no engine", "[players]") {
  const Service service{small()};
  const auto id = stream_id(1);
  for (const auto& target : {stream_target(id), "/ace/getstream.ts?id=" + id, "/ace/" + id + ".ts",
                             "http://proxy" + stream_target(id)}) {
    INFO(target);
    const auto reply = http_request(service.port(), "HEAD", target);
    CHECK(reply.status == 200);
    CHECK(reply.is_complete);
    CHECK(reply.headers.find("content-type") == "video/mp2t");
    CHECK(reply.headers.find("accept-ranges") == "none");
  }
  const auto old = raw_exchange(service.port(), "HEAD /ace/" + id + ".ts HTTP/1.0\r\n\r\n", 5s);
  CHECK_THAT(old, Catch::StartsWith("HTTP/1.1 200 ") && Catch::EndsWith("\r\n\r\n"));
  CHECK_THAT(old, !Catch::Contains("chunked"));
  CHECK(http_request(service.port(), "HEAD", "/ace/x.ts").status == 400);
  CHECK(http_request(service.port(), "HEAD", "/ace/a/" + id + ".ts").status == 404);
  CHECK(service.engines().state().requests(0, "getstream") == 0);
  CHECK(service.redis_count({"KEYS", "ace_proxy:stream*"}) == 0);
}

TEST_CASE("a page of another origin may read streams and nothing else, and may ask first",
          "[players]") {
  const Service service{small()};
  const auto stream = "/ace/" + stream_id(1) + ".ts";
  CHECK(http_request(service.port(), "GET", "/ace/getstream", kPage)
            .headers.find("access-control-allow-origin") == "*");
  for (const auto* target : {"/healthz", "/streams", "/engines", "/metrics", "/nothing"}) {
    INFO(target);
    for (const auto* method : {"GET", "OPTIONS"}) {
      const auto reply = http_request(service.port(), method, target, kPage);
      CHECK_FALSE(reply.headers.find("access-control-allow-origin"));
      CHECK_FALSE(reply.headers.find("access-control-allow-headers"));
    }
  }
  CHECK(http_request(service.port(), "HEAD", stream, kPage)
            .headers.find("access-control-allow-origin") == "*");
  const auto asked = http_request(service.port(), "OPTIONS", stream,
                                  {kPage.front(),
                                   {"Access-Control-Request-Method", "GET"},
                                   {"Access-Control-Request-Headers", "range"}});
  CHECK(asked.status == 204);
  CHECK(asked.headers.find("access-control-allow-origin") == "*");
  CHECK(asked.headers.find("access-control-allow-methods") == "GET, HEAD, OPTIONS");
  CHECK(asked.headers.find("access-control-allow-headers") == "*");
  CHECK(http_request(service.port(), "OPTIONS", "*").status == 204);
  Viewers viewers{service.port()};
  ViewerOptions page;
  page.headers = kPage;
  CHECK(service.engines().state().requests(0, "getstream") == 0);
  viewers.open(1, stream, page);
  REQUIRE(all_served(viewers, 20s));
  CHECK(viewers.at(0).headers().find("access-control-allow-origin") == "*");
}

TEST_CASE("a content id and its infohash are one session, once an engine told both", "[players]") {
  const Service service{small()};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(1, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  rapidjson::Document streams;
  const auto is_known = [&] {  // it comes into the table a turn after the first media
    streams = json_of(service.get("/streams").body);
    return streams.Size() == 1 && streams[0]["infohash"].GetStringLength() == 40;
  };
  REQUIRE(viewers.run_until(is_known, 20s));
  const std::string infohash = streams[0]["infohash"].GetString();
  REQUIRE(infohash.size() == 40);
  REQUIRE(infohash != id);
  // More than one worker's share: both workers know.
  viewers.open(12, "/ace/getstream?infohash=" + infohash);
  viewers.open(1, "/ace/" + upper(infohash) + ".ts");
  REQUIRE(viewers.run_until([&] { return viewers.count_with_bytes(1) == viewers.size(); }, 20s));
  CHECK(viewers.count(ViewerState::Streaming) == viewers.size());
  CHECK(viewers.faults().empty());
  CHECK(viewers.workers().size() == 2);
  const auto are_all_counted = [&] {
    const auto rows = service.started_streams();
    return rows.size() == 1 && rows.front().key == id && rows.front().clients == viewers.size();
  };
  CHECK(viewers.run_until(are_all_counted, 20s));
  CHECK(service.engines().state().engine(0, "sessions_opened") == 1);
}
