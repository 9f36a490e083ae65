#include "workers/http/stream_request.h"

#include <string>

#include <catch2/catch.hpp>

using ace::Errc;
using ace::http::drop_additions;
using ace::http::requested_stream;
using ace::proto::http::Request;
using ace::proto::http::Target;

namespace {

const std::string kId = "94c2fd8fb9bc8f2fc71a2cbe9d4b866f227a0209";
const std::string kUpper = "94C2FD8FB9BC8F2FC71A2CBE9D4B866F227A0209";

ace::Result<ace::proto::StreamId> asked(const std::string& target) {
  Request request;
  auto parsed = Target::parse(target);
  REQUIRE(parsed);
  request.target = std::move(*parsed);
  drop_additions(request.target);
  return requested_stream(request);
}

}  // namespace

TEST_CASE("every spelling of an id is the same stream", "[stream_request]") {
  for (const auto& target :
       {"/ace/getstream?id=" + kId, "/ace/getstream?id=" + kUpper, "/ace/getstream?infohash=" + kId,
        "/ace/getstream?content_id=" + kId, "/ace/getstream.ts?id=" + kId, "/ace/" + kId + ".ts",
        "/ace/" + kUpper + ".ts?id=other", "/ace/getstream?id=acestream://" + kId,
        "/ace/getstream?id=AceStream://" + kUpper, "/ace/getstream?id=acestream%3A%2F%2F" + kId,
        "/ace/getstream?id=%39" + kId.substr(1), "http://proxy:8000/ace/getstream?id=" + kId,
        "/ace/getstream?content_id=&id=" + kId,
        "/ace/getstream?pid=7&format=json&id=" + kId + "&x=%C3%A9&infohash="}) {
    INFO(target);
    const auto id = asked(target);
    REQUIRE(id);
    CHECK(id->text() == kId);
  }
}

TEST_CASE("what names no stream is told from what names none rightly", "[stream_request]") {
  for (const auto* target : {"/ace/getstream", "/ace/getstream?id=", "/ace/getstream.ts?pid=1"}) {
    INFO(target);
    CHECK(asked(target).error().code == Errc::NotFound);
  }
  for (const auto& target :
       {"/ace/getstream?id=" + kId + "0", "/ace/getstream?id=" + kId.substr(1),
        "/ace/getstream?id=" + std::string(40, 'g'), "/ace/getstream?id=magnet:" + kId,
        "/ace/getstream?id=acestream://acestream://" + kId,
        std::string{"/ace/getstream?id=acestream://"}, "/ace/getstream?id=" + kId + "%0Ax",
        "/ace/getstream?url=http://tv/" + kId, "/ace/getstream?url=magnet:?xt=urn:btih:" + kId,
        "/ace/x.ts?id=" + kId, "/ace/.ts?id=" + kId, "/ace/getstream?content_id=x&id=" + kId}) {
    INFO(target);
    CHECK(asked(target).error().code == Errc::InvalidArgument);
  }
}

TEST_CASE("what players add to an address is taken off", "[stream_request]") {
  for (const auto& target :
       {"/ace/getstream?id=" + kId + "%20", "/ace/getstream?id=" + kId + "%0D",
        "/ace/getstream?id=" + kId + "+", "/ace/getstream?id=%20" + kId + "%0D%0A",
        "/ace/getstream?id=" + kId + "|User-Agent=Kodi/20.0&Referer=http://tv/",
        "/ace/getstream?id=" + kId + "%7CUser-Agent%3DKodi", "/ace/" + kId + ".ts%20",
        "/ace/" + kId + ".ts%0D", "/ace/" + kId + ".ts|User-Agent=Kodi/20.0",
        "/ace/getstream/?id=" + kId, "/ace/getstream%20?id=" + kId,
        "/ace/getstream?url=acestream://" + kId,
        "/ace/getstream?url=acestream%3A%2F%2F" + kUpper}) {
    INFO(target);
    const auto id = asked(target);
    REQUIRE(id);
    CHECK(id->text() == kId);
  }
}

TEST_CASE("additions leave the rest of an address as it is", "[stream_request]") {
  const auto plain = [](const std::string& text) {
    auto target = *Target::parse(text);
    drop_additions(target);
    return target;
  };
  CHECK(plain("/ace/getstream/?id=1").path == "/ace/getstream");
  CHECK(plain("/ace/1.ts|User-Agent=a/b").path == "/ace/1.ts");
  const auto target = plain("/ace/getstream?id=1&token=secret-one|User-Agent=x&delay=5");
  CHECK(target.query("token") == "secret-one");
  CHECK(target.query("delay") == "5");
  CHECK(plain("/engines/?name=a%7Cb%20").query("name") == "a|b ");
  CHECK(plain("/engines/").path == "/engines/");
}

TEST_CASE("an answer quotes what is no id", "[stream_request]") {
  CHECK_THAT(asked("/ace/getstream?url=http://tv/1.m3u8").error().text,
             Catch::Contains("\"http://tv/1.m3u8\""));
  CHECK_THAT(asked("/ace/getstream?id=" + std::string(5000, 'x')).error().text,
             Catch::EndsWith("x…\"") && Catch::Contains(std::string(100, 'x')));
  CHECK(asked("/ace/getstream?id=" + std::string(5000, 'x')).error().text.size() < 200);
}
