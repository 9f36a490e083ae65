#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <utility>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

std::vector<HttpReply> take_apart(std::string_view text) {
  std::vector<HttpReply> replies;
  auto rest = ace::as_bytes(text);
  while (!rest.empty()) {
    HttpReplyParser parser;
    HttpReply reply;
    const auto used =
        parser.feed(rest, [&](ace::ByteSpan body) { reply.body.append(ace::as_text(body)); });
    reply.status = parser.status();
    reply.headers = parser.headers();
    reply.is_complete = parser.state() == HttpReplyParser::State::Done;
    reply.error = parser.why_broken();
    replies.push_back(reply);
    if (!reply.is_complete) break;
    rest = rest.subspan(used);
  }
  return replies;
}

struct Replies {
  std::vector<HttpReply> all;
  bool is_closed{};  ///< by the proxy, before the timeout
};

/// Sends `bytes` as they are and takes apart what comes back.
Replies say(const Service& service, std::string_view bytes) {
  const auto raw = exchange(connect_loopback(service.port()), bytes, 10s);
  return {.all = take_apart(raw.bytes), .is_closed = raw.is_closed};
}

/// One request and its reply on a connection that stays open.
HttpReply ask_on(int fd, std::string_view bytes) {
  HttpReply reply;
  HttpReplyParser parser;
  if (::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) return reply;
  std::array<char, 4096> buffer{};
  while (parser.state() == HttpReplyParser::State::Head ||
         parser.state() == HttpReplyParser::State::Body) {
    pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, 20'000) <= 0) return reply;
    const auto size = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (size <= 0) return reply;
    parser.feed(ace::as_bytes({buffer.data(), static_cast<std::size_t>(size)}),
                [&](ace::ByteSpan body) { reply.body.append(ace::as_text(body)); });
  }
  reply.status = parser.status();
  reply.is_complete = parser.state() == HttpReplyParser::State::Done;
  return reply;
}

void check_error(const HttpReply& reply, int status) {
  INFO(reply.body << " " << reply.error);
  CHECK(reply.status == status);
  CHECK(reply.is_complete);
  CHECK(reply.headers.find("content-type") == "application/json");
  CHECK(reply.headers.find("x-ace-worker"));
  const auto json = json_of(reply.body);
  REQUIRE(json.HasMember("error"));
  CHECK(json["error"]["status"].GetInt() == status);
  CHECK(json["error"]["code"].GetStringLength() > 0);
  CHECK(json["error"]["message"].GetStringLength() > 0);
}

/// The only reply to `bytes`, an error after which the proxy closes.
void check_refused(const Service& service, std::string_view bytes, int status) {
  const auto replies = say(service, bytes);
  REQUIRE(replies.all.size() == 1);
  CHECK(replies.is_closed);
  check_error(replies.all.front(), status);
}

void check_untouched(const Service& service) {
  CHECK(service.worker_restarts() == 0);
  CHECK(service.engines().state().requests(0, "getstream") == 0);
  CHECK(service.engines().state().engine(0, "sessions_opened") == 0);
  CHECK(service.redis_count({"KEYS", "ace_proxy:stream*"}) == 0);
}

std::string request(std::string_view line, std::string_view more = "") {
  std::string text{line};
  return text.append(" HTTP/1.1\r\nHost: proxy\r\n").append(more).append("\r\n");
}

ServiceOptions small() { return {.workers = 2, .bitrate = 1'000'000}; }

}  // namespace

TEST_CASE("what is not a request for a stream reaches neither engine nor Redis", "[requests]") {
  const Service service{small()};
  const auto id = stream_id(1);
  check_error(service.get("/ace/getstream"), 400);
  check_error(service.get("/ace/getstream?id="), 400);
  check_error(service.get("/ace/getstream?id=" + id.substr(1)), 400);
  check_error(service.get("/ace/getstream?id=" + id + "0"), 400);
  check_error(service.get("/ace/getstream?infohash=" + std::string(40, 'g')), 400);
  check_error(service.get("/ace/getstreams?id=" + id), 404);
  check_error(service.get("/"), 404);
  for (const auto* method : {"POST", "PUT", "DELETE"}) {
    const auto reply = http_request(service.port(), method, stream_target(id));
    check_error(reply, 405);
    CHECK(reply.headers.find("allow") == "GET, HEAD, OPTIONS");
  }
  check_untouched(service);
}

TEST_CASE("what is no request at all is refused and the connection closed", "[requests]") {
  const Service service{small()};
  const auto target = stream_target(stream_id(1));
  check_refused(service, request("GET /" + std::string(9'000, 'a')), 414);
  check_refused(service, request("GET /", "X-Long: " + std::string(20'000, 'a') + "\r\n"), 431);
  check_refused(service, std::string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11}, 400);
  check_refused(service, "hello\r\n\r\n", 400);
  check_refused(service, "GET " + target + " HTTP/1.1\r\n\r\n", 400);  // no Host
  check_refused(service, request("GET " + target, "Content-Length: 1\r\nContent-Length: 2\r\n"),
                400);
  check_untouched(service);
}

TEST_CASE("HEAD is answered at once and asks no engine", "[requests]") {
  const Service service{small()};
  const auto reply = http_request(service.port(), "HEAD", stream_target(stream_id(1)));
  CHECK(reply.status == 200);
  CHECK(reply.headers.find("content-type") == "video/mp2t");
  CHECK(reply.headers.find("x-ace-worker"));
  CHECK(reply.is_complete);
  check_untouched(service);
}

TEST_CASE("an HTTP/1.0 client gets the stream without chunked coding", "[requests]") {
  const Service service{small()};
  Viewers viewers{service.port()};
  ViewerOptions old;
  old.http10 = true;
  viewers.open(1, stream_target(stream_id(1)), old);
  REQUIRE(viewers.run_until([&] { return viewers.count_with_bytes(100'000) == 1; }, 20s));
  CHECK(viewers.at(0).status() == 200);
  CHECK(viewers.at(0).headers().find("content-type") == "video/mp2t");
  CHECK_FALSE(viewers.at(0).headers().find("transfer-encoding"));
  CHECK_FALSE(viewers.at(0).headers().find("content-length"));
  CHECK(viewers.faults().empty());
}

TEST_CASE("a stream is asked for by infohash or content id too", "[requests]") {
  const Service service{small()};
  Viewers viewers{service.port()};
  viewers.open(1, "/ace/getstream?infohash=" + stream_id(1));
  viewers.open(1, "/ace/getstream?content_id=" + stream_id(2) + "&pid=1&format=json");
  REQUIRE(all_served(viewers, 20s));
  CHECK(viewers.count(ViewerState::Streaming) == 2);
  CHECK(viewers.faults().empty());
  const auto state = service.engines().state();
  CHECK(state.stream(stream_id(1)).opened == 1);
  CHECK(state.stream(stream_id(2)).opened == 1);
}

TEST_CASE("a connection carries one request after the other", "[requests]") {
  const Service service{small()};
  const auto fd = connect_loopback(service.port());
  for (int i = 0; i < 10; ++i) {
    const auto reply = ask_on(fd.get(), request("GET /healthz"));
    CHECK(reply.status == 200);
    CHECK(reply.is_complete);
  }
}

TEST_CASE("a stream may follow other requests on its connection", "[requests]") {
  const Service service{small()};
  // Whoever accepts: one of two workers hands such a connection to the other.
  for (int i = 0; i < 4; ++i) {
    const auto connection = connect_loopback(service.port());
    auto unsent = request("GET /healthz") + request("GET " + stream_target(stream_id(1)));
    std::string text;
    std::vector<HttpReply> replies;
    const auto is_playing = [&] {
      text += exchange(connection, std::exchange(unsent, ""), 50ms).bytes;
      replies = take_apart(text);
      return replies.size() == 2 && replies[1].body.size() > 50'000;
    };
    REQUIRE(wait_until(is_playing, 20s));
    CHECK(replies[0].status == 200);
    CHECK(replies[1].status == 200);
    CHECK(replies[1].headers.find("content-type") == "video/mp2t");
    NumberedChecker checker;
    checker.feed(ace::as_bytes(replies[1].body), {});
    CHECK(checker.counts().numbered > 0);
    CHECK(checker.is_clean());
  }
}

TEST_CASE("a connection carries many requests at once", "[requests]") {
  const Service service{small()};
  std::string pipeline;
  for (const auto* line : {"GET /healthz", "GET /streams", "GET /nothing", "GET /workers"}) {
    pipeline += request(line);
  }
  pipeline += request("GET /healthz", "Connection: close\r\n");
  const auto replies = say(service, pipeline);
  REQUIRE(replies.all.size() == 5);
  CHECK(replies.is_closed);
  const std::vector<int> expected{200, 200, 404, 200, 200};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(replies.all[i].status == expected[i]);
    CHECK(replies.all[i].is_complete);
    CHECK(replies.all[i].headers.find("x-ace-worker") ==
          replies.all[0].headers.find("x-ace-worker"));
  }
  CHECK(std::string{json_of(replies.all[0].body)["redis"].GetString()} == "up");
  CHECK(json_of(replies.all[3].body).Size() == 2);
}
