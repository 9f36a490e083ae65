#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include <catch2/catch.hpp>

#include "shared/base/clock.h"
#include "tests/e2e/stream/service.h"
#include "tests/support/process/long_run.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kBitrate = 2'000'000;

using Milliseconds = std::chrono::milliseconds;

/// The packet that is due now: later ones are news. What an engine had sent when a fault came in
/// force is no news, so ask after that.
std::uint64_t seq_now(const std::string& id) {
  return NumberedStream{infohash_of_content(id), kBitrate}.seq_at(ace::SystemClock{}.now());
}

/// The engine that plays, of all that are there.
std::size_t playing_engine(const Service& service, std::size_t engines) {
  const auto state = service.engines().state();
  for (std::size_t i = 0; i < engines; ++i) {
    if (state.engine(i, "playback_connections") > 0) return i;
  }
  throw std::runtime_error{"no engine plays"};
}

/// As when its process is killed: nothing listens any more, and what was open is reset.
void kill_engine(const Service& service, std::size_t engine) {
  service.engines().fault("refuse", "close", engine);
  service.engines().fault("cut", "reset", engine);
}

/// The first packet of the newest session, on whichever engine.
std::uint64_t first_of_newest(const Service& service, std::size_t engines,
                              const NumberedStream& stream) {
  const auto state = service.engines().state();
  std::uint64_t newest = 0;
  for (std::size_t i = 0; i < engines; ++i) {
    newest = std::max(newest, state.engine(i, "last_begin_ns"));
  }
  return stream.seq_at(ace::SteadyTime{std::chrono::nanoseconds{newest}});
}

/// Viewers of one stream; the faults of the others are told with their text.
class Audience {
 public:
  Audience(const Service& service, std::size_t count)
      : service_{service}, id_{stream_id(1)}, viewers_{service.port()} {
    viewers_.open(count, stream_target(id_));
    REQUIRE(all_served(viewers_, 30s));
    viewers_.run_for(1s);
  }

  /// How long until everybody has packets that were made after `seq`.
  [[nodiscard]] Milliseconds time_to_news(std::uint64_t seq, Milliseconds timeout) {
    const ace::SystemClock clock;
    const auto start = clock.now();
    REQUIRE(viewers_.run_until([&] { return have_news(seq); }, timeout));
    return std::chrono::duration_cast<Milliseconds>(clock.now() - start);
  }
  void check_unharmed() const {
    CHECK(viewers_.count(ViewerState::Streaming) == viewers_.size());
    CHECK(viewers_.faults().empty());
  }
  /// An engine is about to fail.
  void note_place() {
    places_.clear();
    for (std::size_t i = 0; i < viewers_.size(); ++i) {
      const auto& checker = viewers_.at(i).checker();
      places_.push_back({checker.last_seq().value_or(0), checker.counts().missing});
    }
  }
  /// Since then nobody misses more than what no engine had, from what that viewer had got to the
  /// first packet of the next session, and what comes before its first random access point.
  void check_missing(std::size_t engines) const {
    const NumberedStream stream{infohash_of_content(id_), kBitrate};
    const auto end = first_of_newest(service_, engines, stream) + stream.random_access_period();
    std::uint64_t most = 0;
    for (std::size_t i = 0; i < viewers_.size(); ++i) {
      const auto missing = viewers_.at(i).checker().counts().missing - places_.at(i).missing;
      CHECK(missing <= end - std::min(end, places_.at(i).last_seq));
      most = std::max(most, missing);
    }
    std::cout << fmt::format("at most {} ms missing\n", most * 188 * 8 * 1000 / kBitrate);
  }
  [[nodiscard]] Viewers& viewers() { return viewers_; }
  [[nodiscard]] const std::string& id() const { return id_; }

 private:
  [[nodiscard]] bool have_news(std::uint64_t seq) const {
    for (std::size_t i = 0; i < viewers_.size(); ++i) {
      if (viewers_.at(i).checker().last_seq().value_or(0) <= seq) return false;
    }
    return true;
  }

  struct Place {
    std::uint64_t last_seq{};
    std::uint64_t missing{};
  };

  const Service& service_;
  std::string id_;
  Viewers viewers_;
  std::vector<Place> places_;
};

}  // namespace

TEST_CASE("an engine that dies is replaced by another, and viewers go on", "[failover]") {
  const Service service{{.engines = 2, .bitrate = kBitrate}};
  Audience audience{service, 40};
  const int rounds = is_long_run() ? 20 : 3;
  for (int round = 1; round <= rounds; ++round) {
    CAPTURE(round);
    const auto victim = playing_engine(service, 2);
    audience.note_place();
    kill_engine(service, victim);
    const auto killed_at = seq_now(audience.id());
    const auto took = audience.time_to_news(killed_at, 15s);
    std::cout << fmt::format("round {}: new bytes after {} ms\n", round, took.count());
    CHECK(took < 3s);
    // Long enough to be a good session: otherwise pauses grow, as for engines that break off again.
    audience.viewers().run_for(2500ms);
    audience.check_unharmed();
    audience.check_missing(2);
    CHECK(playing_engine(service, 2) == 1 - victim);
    service.engines().clear_faults(victim);
  }
  CHECK(audience.viewers().workers().size() == 4);
}

TEST_CASE("a connection that breaks is opened again at the same session", "[failover]") {
  // An engine that has no turn for a second shall not look like one whose session is dead.
  const Service service{{.workers = 2,
                         .engines = 2,
                         .bitrate = kBitrate,
                         .environment = {{"PROXY_ENGINE_ADOPT_TIMEOUT", "5s"}}}};
  Audience audience{service, 10};
  const auto engine = playing_engine(service, 2);
  audience.note_place();
  service.engines().fault("cut", "reset", engine);
  const auto cut_at = seq_now(audience.id());
  CHECK(audience.time_to_news(cut_at, 10s) < 3s);
  audience.check_unharmed();
  audience.check_missing(2);
  CHECK(service.engines().state().stream(audience.id()).opened == 1);
  CHECK(playing_engine(service, 2) == engine);
}

TEST_CASE("a session that only falls silent is hedged by another engine", "[failover]") {
  // As set by default in a long run: unhealthy after 10 s.
  const Milliseconds unhealthy = is_long_run() ? 10s : 2s;
  const Service service{
      {.engines = 2,
       .bitrate = kBitrate,
       .environment = {{"PROXY_CONNECTION_TIMEOUT", fmt::format("{}ms", unhealthy.count())}}}};
  Audience audience{service, 40};
  const int rounds = is_long_run() ? 20 : 2;
  for (int round = 1; round <= rounds; ++round) {
    CAPTURE(round);
    const auto victim = playing_engine(service, 2);
    const auto stops = service.engines().state().engine(victim, "stops_received");
    audience.note_place();
    service.engines().fault("stall", "", victim);
    const auto stalled_at = seq_now(audience.id());
    const auto took = audience.time_to_news(stalled_at, 20s);
    std::cout << fmt::format("new bytes after {} ms of silence\n", took.count());
    CHECK(took < unhealthy + 2s);
    audience.viewers().run_for(500ms);
    audience.check_unharmed();
    audience.check_missing(2);
    const auto is_alone = [&] {
      return service.engines().state().stream(audience.id()).alive == 1;
    };
    CHECK(audience.viewers().run_until(is_alone, 20s));
    CHECK(playing_engine(service, 2) == 1 - victim);
    CHECK(service.engines().state().engine(victim, "stops_received") == stops + 1);
    service.engines().clear_faults(victim);
    if (round < rounds) audience.viewers().run_for(2500ms);  // a good session, as above
  }
}

TEST_CASE("viewers outlast a time without any engine", "[failover]") {
  const Service service{{.workers = 2, .engines = 2, .bitrate = kBitrate}};
  Audience audience{service, 10};
  audience.note_place();
  for (const std::size_t engine : {0U, 1U}) kill_engine(service, engine);
  audience.viewers().run_for(is_long_run() ? Milliseconds{60s} : Milliseconds{5s});
  audience.check_unharmed();
  const auto back_at = seq_now(audience.id());
  service.engines().clear_faults(1);
  const auto took = audience.time_to_news(back_at, 20s);
  std::cout << fmt::format("new bytes {} ms after an engine came back\n", took.count());
  audience.check_unharmed();
  audience.check_missing(2);
}

TEST_CASE("a decoder goes on when the engine changes under it", "[failover]") {
  const Service service{{.workers = 2, .engines = 2, .source = "ffmpeg"}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(6, stream_target(id), {.discard = true});
  REQUIRE(all_served(viewers, 30s));
  viewers.run_for(3s);
  const std::vector<std::string> arguments{
      "-nostdin", "-v", "error",
      "-xerror",  "-i", fmt::format("http://127.0.0.1:{}{}", service.port(), stream_target(id)),
      "-t",       "12", "-f",
      "null",     "-"};
  const auto until = std::chrono::steady_clock::now() + (is_long_run() ? 10min : 0min);
  int runs = 0;
  do {
    CAPTURE(runs);
    ChildProcess player{"ffmpeg", "/usr/bin/ffmpeg", {.arguments = arguments}};
    viewers.run_for(2s);
    const auto victim = playing_engine(service, 2);
    kill_engine(service, victim);
    REQUIRE(viewers.run_until([&] { return !player.is_alive(); }, 90s));
    CHECK(player.wait(0ms)->code == 0);
    CHECK(player.log() == "");
    service.engines().clear_faults(victim);
    ++runs;
  } while (std::chrono::steady_clock::now() < until);
  std::cout << fmt::format("{} runs\n", runs);
}
