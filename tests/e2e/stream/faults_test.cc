// What an engine can do wrong, one by one: what viewers are told, and where the reason stands.

#include <fmt/format.h>

#include <chrono>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kBitrate = 1'000'000;

/// Short where an engine does not answer, and longer than one that answers may have no turn. How
/// the engine is, is asked once: a question that meets a fault would be its last error instead.
const ProxyProcess::Environment kShort{{"PROXY_ENGINE_JSON_TIMEOUT", "4s"},
                                       {"PROXY_ENGINE_FIRST_BYTE_TIMEOUT", "4500ms"},
                                       {"PROXY_ENGINE_ADOPT_TIMEOUT", "5s"},
                                       {"PROXY_ENGINE_CHECK_INTERVAL", "10m"}};

using Milliseconds = std::chrono::milliseconds;

/// On top of what is promised: this machine may be busy with other tests.
constexpr Milliseconds kMargin = 3s;
/// An engine that refuses, and a redirect that leads nowhere.
constexpr Milliseconds kAtOnce = 2s + kMargin;
/// One that stays silent, by the settings above. What hangs is noticed every half a second.
constexpr Milliseconds kJsonLate = 4s + kMargin;
constexpr Milliseconds kMediaLate = 4500ms + 1s + kMargin;
/// What is no stream, from its first byte on.
constexpr Milliseconds kJunkKnown = 2s + kMargin;
/// To the first media of one that plays, oddly.
constexpr Milliseconds kOddStart = 5s + kMargin;

/// A stream that cannot be started.
struct Refusal {
  std::string fault;
  std::string value;
  int status{};
  std::string code;       ///< of the answer
  std::string phases;     ///< of the engine's last error: one of these, as bytes come or not
  Milliseconds within{};  ///< from the request to the whole answer
  /// That failed. One that is gone as soon as it is opened is gone on with, in vain, and asked for
  /// once more: another player may have taken it.
  unsigned sessions = 1;
};

const std::vector<Refusal>& refusals() {
  static const std::vector<Refusal> all{
      {"hang", "", 504, "engine_timeout", "getstream", kJsonLate},
      {"slow_json", "1", 504, "engine_timeout", "getstream", kJsonLate},
      {"error_json", "no such swarm", 502, "engine_error", "getstream", kAtOnce},
      {"http_500", "", 502, "engine_error", "getstream", kAtOnce},
      {"http_404", "", 502, "engine_error", "getstream", kAtOnce},
      {"http_500", "playback", 502, "engine_error", "headers", kAtOnce, 3},
      {"http_404", "playback", 502, "engine_error", "headers", kAtOnce, 3},
      {"redirect", "loop", 502, "engine_error", "getstream", kAtOnce},
      {"hang_playback", "", 504, "engine_timeout", "headers", kMediaLate},
      {"stall", "", 504, "engine_timeout", "first byte, reading", kMediaLate},
      {"garbage", "", 502, "engine_error", "first byte", kJunkKnown},
      // The only one that a question for the engine's health meets as well: not at the start, where
      // each worker may ask once.
      {"refuse", "", 503, "no_engine", "connect", kAtOnce},
  };
  return all;
}

/// The engine's last error, as `/engines` shows it.
struct EngineError {
  std::string phase;
  std::string message;
};

EngineError engine_error(const Service& service) {
  const auto json = json_of(service.get("/engines").body);
  const auto& error = json[0]["last_error"];
  if (error.IsNull()) return {};
  return {.phase = error["phase"].GetString(), .message = error["message"].GetString()};
}

/// The engine has been asked how it is, and will not be again by who asked.
void await_check(const Service& service) {
  const auto is_healthy = [&] {
    const auto json = json_of(service.get("/engines").body);
    return json[0]["health"].GetString() == std::string_view{"healthy"};
  };
  REQUIRE(wait_until(is_healthy, 20s));
}

/// A stream as `/streams` shows it, or `/streams/{id}`.
struct ShownStream {
  std::string status;
  std::string error;
  bool has_time{};
};

ShownStream shown(const rapidjson::Value& row) {
  const bool has_error = row.HasMember("error_message");
  return {.status = row["status"].GetString(),
          .error = has_error ? row["error_message"].GetString() : "",
          .has_time = row.HasMember("error_time")};
}

ShownStream in_list(const Service& service, const std::string& id) {
  const auto json = json_of(service.get("/streams").body);
  for (const auto& row : json.GetArray()) {
    if (row["id"].GetString() == id) return shown(row);
  }
  return {.status = "none", .error = {}, .has_time = false};
}

ShownStream on_its_page(const Service& service, const std::string& id) {
  const auto json = json_of(service.get("/streams/" + id).body);
  if (!json.HasMember("status")) return {.status = "none", .error = {}, .has_time = false};
  return shown(json);
}

/// All of them get two seconds of what engines send from now on. Bytes would not tell: sockets hold
/// what came while nobody read.
bool all_go_on(Viewers& viewers, const std::string& id, std::uint64_t bitrate = kBitrate) {
  const NumberedStream stream{infohash_of_content(id), bitrate};
  const auto news = stream.seq_at(ace::SystemClock{}.now() + 2s);
  const auto have_news = [&] {
    for (std::size_t i = 0; i < viewers.size(); ++i) {
      if (viewers.at(i).checker().last_seq().value_or(0) < news) return false;
    }
    return true;
  };
  return viewers.run_until(have_news, 60s);
}

/// The reason for what happened to the stream stands in the log, in /streams, on the stream's page
/// and in /engines, in the same words.
void check_told(Service& service, const std::string& id, std::string_view phases) {
  const auto engine = engine_error(service);
  CHECK_FALSE(engine.phase.empty());
  CHECK_THAT(std::string{phases}, Catch::Contains(engine.phase));
  CHECK_FALSE(engine.message.empty());
  for (const auto& stream : {in_list(service, id), on_its_page(service, id)}) {
    CHECK_THAT(stream.error, Catch::Contains(engine.message));
    CHECK(stream.has_time);
    CHECK_THAT(service.proxy().log(), Catch::Contains("why=\"" + stream.error));
  }
}

}  // namespace

TEST_CASE("an engine that does not play is told of, with its reason", "[faults]") {
  Service service{{.workers = 2, .bitrate = kBitrate, .environment = kShort}};
  unsigned number = 0;
  for (const auto& wanted : refusals()) {
    INFO(wanted.fault << " " << wanted.value);
    const auto failed = count_events(service.proxy().log(), "stream_failed");
    const auto sessions = count_events(service.proxy().log(), "engine_session_failed");
    service.engines().fault(wanted.fault, wanted.value);
    const auto id = stream_id(++number);
    const auto asked = std::chrono::steady_clock::now();
    const auto reply = http_request(service.port(), "GET", stream_target(id), {}, {.timeout = 20s});
    CHECK(std::chrono::steady_clock::now() - asked < wanted.within);
    CHECK(reply.status == wanted.status);
    const auto json = json_of(reply.body);
    CHECK(json["error"]["code"].GetString() == wanted.code);
    REQUIRE(json["error"]["engines"].Size() == 1);
    CHECK(json["error"]["engines"][0]["error"].GetStringLength() > 0);
    CHECK(count_events(service.proxy().log(), "stream_failed") == failed + 1);
    CHECK(count_events(service.proxy().log(), "engine_session_failed") ==
          sessions + wanted.sessions);
    service.engines().clear_faults();
    CHECK(wait_until([&] { return service.engines().state().engine(0, "sessions_alive") == 0; },
                     20s));
    CHECK(wait_until([&] { return in_list(service, id).status == "failed"; }, 10s));
    check_told(service, id, wanted.phases);
  }
  CHECK(service.workers().size() == 2);
}

TEST_CASE("viewers have an answer in time, however many engines there are", "[faults]") {
  const Service service{{.workers = 2,
                         .engines = 3,
                         .bitrate = kBitrate,
                         .environment = {{"PROXY_START_TIMEOUT", "4s"}}}};
  const std::string fault = GENERATE("hang", "hang_playback");
  CAPTURE(fault);
  for (std::size_t i = 0; i < 3; ++i) service.engines().fault(fault, "", i);
  const auto asked = std::chrono::steady_clock::now();
  const auto reply =
      http_request(service.port(), "GET", stream_target(stream_id(1)), {}, {.timeout = 20s});
  CHECK(std::chrono::steady_clock::now() - asked < 4s + kMargin);
  CHECK(reply.status == 504);
  // Two that have opened their sessions are waited for; one that has not answered is passed over.
  const auto json = json_of(reply.body);
  CHECK(json["error"]["engines"].Size() == (fault == "hang" ? 3U : 2U));
  CHECK(
      wait_until([&] { return service.engines().state().engine(0, "sessions_alive") == 0; }, 20s));
}

// With these seeds there are three sync bytes in the right places within the first 100 KB.
TEST_CASE("nobody is answered with random bytes, however they look", "[faults]") {
  const Service service{{.workers = 2, .bitrate = 8'000'000, .environment = kShort}};
  unsigned number = 0;
  for (const char* garbage : {"seed:235", "seed:251", "seed:369"}) {
    CAPTURE(garbage);
    service.engines().fault("garbage", garbage);
    const auto reply = http_request(service.port(), "GET", stream_target(stream_id(++number)), {},
                                    {.timeout = 20s, .max_body = 10'000});
    CHECK(reply.status == 502);
    CHECK_THAT(reply.body, Catch::Contains("no MPEG-TS but bytes that begin with"));
  }
}

TEST_CASE("a session that turns to random bytes is replaced, and nobody gets any of them",
          "[faults]") {
  constexpr std::uint64_t kFast = 8'000'000;
  Service service{{.workers = 2, .engines = 2, .bitrate = kFast}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(3, stream_target(id));
  REQUIRE(all_served(viewers, 30s));
  service.engines().fault("garbage", "seed:369");  // of the first engine, which plays
  CHECK(all_go_on(viewers, id, kFast));
  CHECK(viewers.count(ViewerState::Streaming) == 3);
  CHECK(viewers.faults().empty());
  CHECK_THAT(service.proxy().log(), Catch::Contains("bytes that are no MPEG-TS"));
  CHECK(wait_until([&] { return service.engines().state().stream(0, id).alive == 0; }, 20s));
}

TEST_CASE("an engine that resets connections does not play", "[faults]") {
  Service service{{.workers = 1, .bitrate = kBitrate, .environment = kShort}};
  await_check(service);
  service.engines().fault("refuse", "reset");
  const auto reply = service.get(stream_target(stream_id(1)));
  // As the reset comes while connecting, or when the request is out already.
  const std::pair<int, std::string> seen{reply.status, engine_error(service).phase};
  const bool is_told = seen == std::pair<int, std::string>{503, "connect"} ||
                       seen == std::pair<int, std::string>{502, "getstream"};
  CAPTURE(reply.status, reply.body);
  CHECK(is_told);
  CHECK(count_events(service.proxy().log(), "engine_session_failed") == 1);
}

TEST_CASE("odd pieces, an early start and a wrong address trouble no viewer", "[faults]") {
  const auto [fault, value] = GENERATE(table<std::string, std::string>({{"misaligned", "1"},
                                                                        {"misaligned", "187"},
                                                                        {"split", ""},
                                                                        {"burst", "5"},
                                                                        {"lie_address", ""}}));
  CAPTURE(fault, value);
  Service service{{.workers = 2, .bitrate = kBitrate, .environment = kShort}};
  service.engines().fault(fault, value);
  Viewers viewers{service.port()};
  viewers.open(3, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 30s));
  CHECK(viewers.first_bytes().back() < kOddStart);
  constexpr Milliseconds kThree = 300'000ms * 8'000 / kBitrate;  // as long as so many bytes play
  CHECK(
      viewers.run_until([&] { return viewers.count_with_bytes(300'000) == 3; }, kThree + kMargin));
  CHECK(viewers.faults().empty());
  // With a burst they have their bytes before the owner has come to tell of it.
  CHECK(wait_until([&] { return in_list(service, stream_id(1)).status == "started"; }, 20s));
  CHECK(in_list(service, stream_id(1)).error.empty());
  CHECK(count_events(service.proxy().log(), "engine_session_failed") == 0);
}

TEST_CASE("a session that breaks or jumbles in the middle costs nobody the connection",
          "[faults]") {
  const auto [fault, value] = GENERATE(
      table<std::string, std::string>({{"cut", ""}, {"cut", "reset"}, {"garbage", "5000"}}));
  CAPTURE(fault, value);
  Service service{{.workers = 2, .bitrate = kBitrate, .environment = kShort}};
  Viewers viewers{service.port()};
  viewers.open(3, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 30s));
  service.engines().fault(fault, value);
  CHECK(all_go_on(viewers, stream_id(1)));
  CHECK(viewers.count(ViewerState::Streaming) == 3);
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    for (const auto& found : viewers.at(i).checker().faults()) {
      CAPTURE(found.text);
      // What was jumbled cannot be had again; the packet in which it began nobody can tell apart.
      const bool is_lost = found.fault == StreamFault::Gap || found.fault == StreamFault::Corrupt;
      CHECK(is_lost);
      CHECK(fault == "garbage");
    }
  }
  const auto failed = count_events(service.proxy().log(), "engine_session_failed");
  CHECK(failed == (fault == "cut" ? 1U : 0U));
  CHECK(on_its_page(service, stream_id(1)).status == "started");
  if (fault == "cut") {
    check_told(service, stream_id(1), "reading");  // what was, though the stream is well again
  } else {
    CHECK(engine_error(service).phase.empty());
    CHECK(on_its_page(service, stream_id(1)).error.empty());
  }
}

TEST_CASE("a session that falls silent in the middle is told of, and replaced", "[faults]") {
  Service service{{.workers = 2,
                   .engines = 2,
                   .bitrate = kBitrate,
                   .environment = {{"PROXY_CONNECTION_TIMEOUT", "3s"}}}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(3, stream_target(id));
  REQUIRE(all_served(viewers, 30s));
  service.engines().fault("stall");  // of the first engine, which is the one that plays
  CHECK(all_go_on(viewers, id));
  CHECK(viewers.count(ViewerState::Streaming) == 3);
  CHECK(viewers.faults().empty());
  CHECK(wait_until([&] { return on_its_page(service, id).status == "started"; }, 20s));
  check_told(service, id, "reading");
  CHECK(count_events(service.proxy().log(), "stream_unhealthy") == 1);
}
