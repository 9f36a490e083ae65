#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

const HeaderList kKey{{"Authorization", "Bearer open-sesame-key"}};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// The lines that hold all of these.
std::vector<std::string> lines_with(const std::string& text,
                                    const std::vector<std::string>& parts) {
  auto lines = lines_of(text);
  std::erase_if(lines, [&](const std::string& line) {
    return std::ranges::any_of(
        parts, [&](const std::string& part) { return line.find(part) == std::string::npos; });
  });
  return lines;
}

/// The one access line (JSON) of a request, once it is there.
rapidjson::Document access_of(const std::string& file, const std::string& request_id) {
  std::vector<std::string> lines;
  const auto wanted = fmt::format(R"("request_id":"{}")", request_id);
  const bool came = wait_until(
      [&] {
        lines = lines_with(read_text_file(file), {wanted});
        return !lines.empty();
      },
      15s);
  INFO(read_text_file(file));
  REQUIRE(came);
  REQUIRE(lines.size() == 1);
  return json_of(lines.front());
}

std::string text(const rapidjson::Document& json, const char* name) {
  return {json[name].GetString(), json[name].GetStringLength()};
}

/// A viewer until it has had so many bytes.
HttpReply watch(const Service& service, std::string_view target, const HeaderList& headers,
                std::size_t bytes = 1) {
  return http_request(service.port(), "GET", target, headers, {.timeout = 30s, .max_body = bytes});
}

}  // namespace

TEST_CASE("an answer tells the id by which the logs know its request", "[logs]") {
  const Service service{{.workers = 1}};
  const auto id_of = [&](const HeaderList& headers) {
    return http_request(service.port(), "GET", "/healthz", headers)
        .headers.find("x-request-id")
        .value_or("");
  };
  CHECK(id_of({{"X-Request-Id", "mine-1"}}) == "mine-1");
  const auto made = id_of({});
  CHECK(made.size() == 16);
  CHECK(id_of({}) != made);
  CHECK(id_of({{"X-Request-Id", "a b=\"c\""}}).size() == 16);
  CHECK(service.get("/nothing").headers.find("x-request-id"));
  CHECK(watch(service, stream_target(stream_id(1)), {{"X-Request-Id", "mine-2"}})
            .headers.find("x-request-id") == "mine-2");
}

TEST_CASE("every answer has one line in the access log, when it has ended", "[logs]") {
  const TempDir dir;
  const auto file = dir.file("access.log");
  Service service{{.workers = 3,
                   .environment = {{"PROXY_ACCESS_LOG", file},
                                   {"PROXY_ACCESS_LOG_FORMAT", "json"},
                                   {"PROXY_GRACE_PERIOD", "0ms"},
                                   {"PROXY_STREAM_TOKENS", "tv:sesame-open"}}}};
  const auto target = stream_target(stream_id(1)) + "&token=sesame-open";

  const auto answer = http_request(service.port(), "GET", "/streams?status=all",
                                   {{"X-Request-Id", "whole"}, {"User-Agent", "x\" y"}});
  const auto whole = access_of(file, "whole");
  CHECK(text(whole, "request") == "GET /streams?status=all HTTP/1.1");
  CHECK(text(whole, "address") == "127.0.0.1");
  CHECK(text(whole, "agent") == "x\" y");
  CHECK(whole["status"].GetInt() == 200);
  CHECK(whole["bytes"].GetUint64() == answer.body.size());
  CHECK(text(whole, "why") == "answered");

  static_cast<void>(watch(service, stream_target(stream_id(1)), {{"X-Request-Id", "denied"}}));
  CHECK(access_of(file, "denied")["status"].GetInt() == 403);

  // Of several viewers some are handed over; each has its line, from whichever worker it leaves.
  for (int i = 0; i < 6; ++i) {
    const auto id = fmt::format("viewer-{}", i);
    const auto reply = watch(service, target, {{"X-Request-Id", id}}, 100'000);
    CHECK(reply.status == 200);
    const auto line = access_of(file, id);
    CHECK(text(line, "user") == "tv");
    CHECK(text(line, "request") ==
          fmt::format("GET /ace/getstream?id={}&token=*** HTTP/1.1", stream_id(1)));
    CHECK(line["status"].GetInt() == 200);
    CHECK(line["bytes"].GetUint64() >= 100'000);
    CHECK_THAT(text(line, "why"), Catch::Contains("c"));
  }
  CHECK(read_text_file(file).find("sesame") == std::string::npos);

  // Who is still there when the proxy stops, too.
  Viewers viewers{service.port()};
  viewers.open(1, target);
  REQUIRE(all_served(viewers, 10s));
  service.proxy().signal(SIGTERM);
  CHECK(viewers.run_until([&] { return viewers.count(ViewerState::Streaming) == 0; }, 15s));
  REQUIRE(service.proxy().wait(15s));
  CHECK(lines_with(read_text_file(file), {"token=***"}).size() == 7);
}

TEST_CASE("a stream that fails is told with its status, and who left early as 499", "[logs]") {
  const TempDir dir;
  const auto file = dir.file("access.log");
  const Service service{{.workers = 1,
                         .environment = {{"PROXY_ACCESS_LOG", file},
                                         {"PROXY_ACCESS_LOG_FORMAT", "json"},
                                         {"PROXY_START_DELAY", "5s"}}}};
  const auto early = connect_loopback(service.port());
  static_cast<void>(
      exchange(early,
               fmt::format("GET {} HTTP/1.1\r\nHost: p\r\nX-Request-Id: early\r\n\r\n",
                           stream_target(stream_id(1))),
               1ms, AfterSending::End));
  const auto left = access_of(file, "early");
  CHECK(left["status"].GetInt() == 499);
  CHECK(left["bytes"].GetUint64() == 0);

  service.engines().fault("refuse", "", 0);
  const auto failed = watch(service, stream_target(stream_id(2)), {{"X-Request-Id", "failed"}});
  CHECK(failed.status == 503);
  CHECK(access_of(file, "failed")["status"].GetInt() == 503);
}

TEST_CASE("what is no request has an id and a line of its own", "[logs]") {
  const TempDir dir;
  const auto file = dir.file("access.log");
  const Service service{
      {.workers = 1,
       .environment = {{"PROXY_ACCESS_LOG", file}, {"PROXY_ACCESS_LOG_FORMAT", "json"}}}};
  const auto id_of = [&](std::string_view request, int status) {
    const auto reply = exchange(connect_loopback(service.port()), request, 10s);
    HttpReplyParser parser;
    static_cast<void>(parser.feed(ace::as_bytes(reply.bytes), [](ace::ByteSpan) {}));
    CHECK(parser.status() == status);
    const auto id = parser.headers().find("x-request-id").value_or("");
    CHECK(id.size() == 16);
    CHECK(access_of(file, id)["status"].GetInt() == status);
    return id;
  };
  const auto garbage = id_of("garbage\r\n\r\n", 400);
  CHECK(id_of("garbage\r\n\r\n", 400) != garbage);
  static_cast<void>(id_of("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n", 414));
  static_cast<void>(
      id_of("GET / HTTP/1.1\r\nHost: p\r\nX: " + std::string(17'000, 'a') + "\r\n\r\n", 431));
}

TEST_CASE("log files are opened again on SIGUSR1", "[logs]") {
  const TempDir dir;
  const auto file = dir.file("access.log");
  Service service{{.workers = 2, .environment = {{"PROXY_ACCESS_LOG", file}}}};
  const auto ask = [&](const std::string& id) {
    static_cast<void>(http_request(service.port(), "GET", "/healthz", {{"X-Request-Id", id}}));
  };
  ask("first");
  REQUIRE(wait_until(
      [&] {
        return lines_with(read_text_file(file), {"\"GET /healthz HTTP/1.1\" 200 "}).size() == 1;
      },
      10s));
  std::filesystem::rename(file, file + ".1");
  service.proxy().signal(SIGUSR1);
  REQUIRE(wait_until([&] { return std::filesystem::exists(file); }, 10s));
  // A worker's first line in the new file comes when it has heard: a round of requests that are all
  // there has met no other.
  int round = 0;
  const auto is_all_there = [&] {
    ++round;
    for (int i = 0; i < 10; ++i) ask(fmt::format("round-{}-{}", round, i));
    const auto wanted = fmt::format(" round-{}-", round);
    return wait_until([&] { return lines_with(read_text_file(file), {wanted}).size() == 10; },
                      500ms);
  };
  CHECK(wait_until(is_all_there, 15s));
}

TEST_CASE("the level is changed for the whole host while it runs", "[logs]") {
  Service service{{.workers = 3, .environment = {{"API_KEY", "open-sesame-key"}}}};
  const auto change = [&](std::string_view level, const HeaderList& headers = kKey) {
    return http_request(service.port(), "POST", fmt::format("/log?level={}", level), headers);
  };
  CHECK(change("debug", {}).status == 401);
  CHECK(change("loud").status == 400);
  CHECK(change("").status == 400);
  static_cast<void>(service.get("/healthz"));
  CHECK(count_events(service.proxy().log(), "request") == 0);

  CHECK(change("debug").body == R"({"level":"debug"})");
  // Whoever answers, at once: a line of every worker.
  const auto workers_that_tell = [&] {
    static_cast<void>(service.get("/healthz"));
    std::set<std::string> workers;
    for (const auto& line : lines_with(service.proxy().log(), {" debug ", " request "})) {
      workers.insert(line.substr(line.find("worker:"), 8));
    }
    return workers.size();
  };
  CHECK(wait_until([&] { return workers_that_tell() == 3; }, 15s));
  CHECK(service.get("/log").body == R"({"level":"debug"})");

  // A worker that comes later has it too.
  const auto killed = service.workers().front();
  ::kill(killed.pid, SIGKILL);
  std::string heir;
  const auto is_replaced = [&] {
    const auto rows = service.workers();
    const auto row = std::ranges::find(rows, killed.slot, &WorkerRow::slot);
    if (row == rows.end() || row->pid == killed.pid || row->phase != "serving") return false;
    heir = row->id;
    return true;
  };
  REQUIRE(wait_until(is_replaced, 15s));
  HttpReply told_by_heir;
  const auto heir_answers = [&] {  // who answers is the kernel's choice
    told_by_heir = service.get("/log");
    return told_by_heir.headers.find("x-ace-worker") == heir;
  };
  REQUIRE(wait_until(heir_answers, 15s));
  CHECK(told_by_heir.body == R"({"level":"debug"})");

  CHECK(change("error").status == 200);
  const auto told = count_events(service.proxy().log(), "request");
  static_cast<void>(service.get("/healthz"));
  CHECK(count_events(service.proxy().log(), "request") == told);
  // The settings count again when they are read again.
  service.proxy().signal(SIGHUP);
  CHECK(wait_until([&] { return service.get("/log").body == R"({"level":"info"})"; }, 20s));
}

TEST_CASE("a value from outside forges neither a line nor a field", "[logs]") {
  Service service{{.workers = 1}};
  static_cast<void>(watch(service, stream_target(stream_id(1)),
                          {{"User-Agent", "x\" why=\"forged\" \xff\xc2\x9b"}}));
  REQUIRE(wait_until([&] { return count_events(service.proxy().log(), "client_connected") == 1; },
                     10s));
  const auto lines = lines_with(service.proxy().log(), {"client_connected"});
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines.front(), Catch::Contains(R"(agent="x\" why=\"forged\")"));
  CHECK_THAT(lines.front(), !Catch::Contains("\xff") && !Catch::Contains("\x9b"));
}

TEST_CASE("a stream's page is JSON whatever its clients call themselves", "[logs]") {
  const auto redis = GENERATE(RedisIs::There, RedisIs::Away);
  const Service service{{.workers = 1, .redis = redis}};
  Viewers viewers{service.port()};
  for (const auto& agent :
       {std::string{"\xff\xc2"}, std::string(255, 'x') + "ü", std::string(5000, 'y')}) {
    ViewerOptions options;
    options.headers = {{"User-Agent", agent}};
    viewers.open(1, stream_target(stream_id(1)), options);
  }
  REQUIRE(all_served(viewers, 20s));
  const auto shows_all = [&] {
    const auto body = service.get("/streams/" + stream_id(1)).body;
    rapidjson::Document page;
    page.Parse<rapidjson::kParseValidateEncodingFlag>(body.data(), body.size());
    REQUIRE_FALSE(page.HasParseError());
    return page["client_list"].Size() == 3;
  };
  CHECK(wait_until(shows_all, 15s));
}

TEST_CASE("a log that takes nothing stops no stream", "[logs]") {
  const Service service{{.workers = 2,
                         .environment = {{"PROXY_LOG_FILE", "/dev/full"},
                                         {"PROXY_ACCESS_LOG", "/dev/full"},
                                         {"PROXY_LOG_LEVEL", "debug"}}}};
  Viewers viewers{service.port()};
  viewers.open(4, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 10s));
  const auto got = viewers.total_bytes();
  CHECK(viewers.run_until([&] { return viewers.total_bytes() > got + 4'000'000; }, 15s));
  CHECK(viewers.faults().empty());
  const auto counts_drops = [&] {
    const auto page = service.get("/metrics").body;
    return page.find("\nace_proxy_log_lines_dropped_total") != std::string::npos &&
           page.find("\nace_proxy_log_lines_dropped_total 0") == std::string::npos;
  };
  CHECK(wait_until(counts_drops, 10s));
}

TEST_CASE("a log that nobody reads stops no stream", "[logs]") {
  const TempDir dir;
  const auto pipe = dir.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const ace::UniqueFd both_ends{::open(pipe.c_str(), O_RDWR | O_CLOEXEC)};
  const SimProcess engines{{.engines = 1, .bitrate = 8'000'000}};
  ChildProcess proxy{"ace-proxy",
                     "/bin/sh",
                     {.arguments = {"-c", R"(exec "$0" 2>"$1")", ACE_BINARY_DIR "/ace-proxy", pipe},
                      .environment = {{"ACE_ENGINES", engines.engine_list()},
                                      {"REDIS_SOCKET", dir.file("nobody")},
                                      {"PROXY_LISTEN", "127.0.0.1:0"},
                                      {"PROXY_PORT_FILE", dir.file("ports")},
                                      {"PROXY_WORKERS", "2"},
                                      {"PROXY_ACCESS_LOG", "stderr"},
                                      {"PROXY_LOG_LEVEL", "debug"}}}};
  const auto port = wait_for_ports(proxy, dir.file("ports"), 15s).front();
  const auto drops = [&] {
    const auto page = http_request(port, "GET", "/metrics").body;
    constexpr std::string_view kName = "\nace_proxy_log_lines_dropped_total ";
    const auto at = page.find(kName);
    return at == std::string::npos ? 0 : std::stoul(page.substr(at + kName.size()));
  };
  // 64 KiB fit into the pipe.
  for (int i = 0; i < 500; ++i) REQUIRE(http_request(port, "GET", "/healthz").status == 200);
  CHECK(wait_until([&] { return drops() > 0; }, 15s));
  Viewers viewers{port};
  viewers.open(4, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 10s));
  const auto got = viewers.total_bytes();
  CHECK(viewers.run_until([&] { return viewers.total_bytes() > got + 4'000'000; }, 15s));
  CHECK(viewers.faults().empty());
  viewers.close_all();
  const auto ended = proxy.terminate(20s);
  REQUIRE(ended);
  CHECK(ended->code == 0);
}

TEST_CASE("no secret is in any log or page of a whole run", "[logs]") {
  const TempDir dir;
  const auto file = dir.file("access.log");
  RedisServer redis{
      {.tcp = RedisServer::Tcp::Off, .password = "redis-secret-word", .arguments = {}}};
  Service service{{.workers = 2,
                   .engines = 2,
                   .redis = RedisIs::Away,
                   .environment = {{"API_KEY", "open-sesame-key"},
                                   {"REDIS_SOCKET", redis.endpoint().socket},
                                   {"REDIS_PASSWORD", "redis-secret-word"},
                                   {"PROXY_STREAM_TOKENS", "tv:token-secret-word"},
                                   {"PROXY_LOG_LEVEL", "debug"},
                                   {"PROXY_GRACE_PERIOD", "0ms"},
                                   {"PROXY_ACCESS_LOG", file}}}};
  const auto target = stream_target(stream_id(1)) + "&token=token-secret-word";
  Viewers viewers{service.port()};
  viewers.open(6, target);
  REQUIRE(all_served(viewers, 10s));
  REQUIRE(wait_until(
      [&] {
        const auto reply = redis.command({"EXISTS", stream_key(stream_id(1), "owner")});
        return reply && reply->as_integer() == 1;
      },
      10s));
  // What is seen on the way: a refusal, a wrong key, a move, a dead worker, Redis gone and back.
  static_cast<void>(service.get(stream_target(stream_id(1)) + "&token=token-secret-worx"));
  static_cast<void>(http_request(service.port(), "GET", "/log?token=token-secret-word",
                                 {{"Referer", "http://x/?token=token-secret-word"}}));
  for (const auto* misspelt : {"/a?id=1;token=token-secret-word", "/a?id=1?token=token-secret-word",
                               "/a?TOKEN=token-secret-word", "/a?x=%74oken-secret-word",
                               "/a/open-sesame-key", "/a?key=redis-secret-word"}) {
    static_cast<void>(http_request(service.port(), "GET", misspelt,
                                   {{"Referer", std::string{"http://x"} + misspelt},
                                    {"User-Agent", "player/open-sesame-key"},
                                    {"X-Request-Id", "token-secret-word"}}));
  }
  CHECK(
      http_request(service.port(), "POST", "/streams/" + stream_id(1) + "/migrate", kKey).status ==
      202);
  viewers.run_for(1500ms);
  ::kill(service.owner().pid, SIGKILL);
  viewers.run_for(1500ms);
  redis.restart();
  viewers.run_for(1500ms);
  auto pages = service.get("/streams").body + service.get("/engines").body +
               service.get("/streams/" + stream_id(1)).body + service.get("/version").body;
  viewers.close_all();
  REQUIRE(service.proxy().terminate(20s));
  const auto all = service.proxy().log() + read_text_file(file) + pages;
  CHECK(count_events(service.proxy().log(), "redis_connection_up") > 0);  // debug lines are there
  CHECK_THAT(all, Catch::Contains("token=***"));
  for (const auto* secret :
       {"open-sesame-key", "redis-secret-word", "token-secret-wor", "/ace/r/"}) {
    INFO(secret);
    CHECK(lines_with(all, {secret}) == std::vector<std::string>{});
  }
}
