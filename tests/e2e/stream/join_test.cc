#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <sstream>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/players.h"
#include "tests/e2e/stream/service.h"
#include "tests/support/process/long_run.h"
#include "tests/support/viewers/numbered_ts.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

std::string url_of(const Service& service, const std::string& target) {
  return fmt::format("http://127.0.0.1:{}{}", service.port(), target);
}

/// How the clients of a stream sit on its two workers.
struct Seats {
  std::uint64_t owner{};
  std::uint64_t follower{};
  bool operator==(const Seats&) const = default;
};

Seats seats_of(const Service& service) {
  Seats seats;
  for (const auto& worker : service.workers()) {
    (worker.owned_streams > 0 ? seats.owner : seats.follower) += worker.clients;
  }
  return seats;
}

/// Lets somebody go who watches at the owner, or at the other worker.
void close_one(Viewers& viewers, const std::string& owner, bool at_owner) {
  std::size_t i = 0;
  while (viewers.at(i).is_over() || (viewers.at(i).worker() == owner) != at_owner) ++i;
  viewers.close(i);
}

/// Of twelve viewers eight sit with the owner, as many as it takes. Who is to go to a worker that
/// is busy too long stays where it came to: it is let go, and another one comes.
bool owner_is_full(Viewers& viewers, const std::string& target, const std::string& owner) {
  for (int i = 0; i < 30 && all_served(viewers, 20s); ++i) {
    std::size_t with_owner = 0;
    for (std::size_t j = 0; j < viewers.size(); ++j) {
      if (!viewers.at(j).is_over() && viewers.at(j).worker() == owner) ++with_owner;
    }
    if (with_owner == 8) return true;
    close_one(viewers, owner, with_owner > 8);
    viewers.open(1, target, {.discard = true});
  }
  return false;
}

/// What the owner is called in the log.
std::string name_of_owner(const Service& service) {
  return fmt::format("worker:{}", service.owner().slot);
}

/// How many viewers have ever come to a worker, or to any.
std::size_t arrivals(Service& service, const std::string& worker = {}) {
  std::istringstream log{service.proxy().log()};
  const auto wanted = worker + (worker.empty() ? "" : " ") + "client_connected ";
  std::size_t count = 0;
  for (std::string line; std::getline(log, line);) {
    if (line.find(wanted) != std::string::npos) ++count;
  }
  return count;
}

/// A stream with a key frame every eight seconds.
class LongGop {
 public:
  static constexpr std::uint64_t kBitrate = 2'000'000;
  static constexpr std::chrono::seconds kInterval{8};

  [[nodiscard]] std::vector<std::string> engine_arguments() const {
    return {"--key-interval", std::to_string(kInterval.count())};
  }
  [[nodiscard]] std::string target() const { return stream_target(id_); }
  /// Until a key frame is so old.
  [[nodiscard]] std::chrono::milliseconds until(std::chrono::milliseconds age) const {
    const auto now = ace::SystemClock{}.now();
    const auto period = stream_.random_access_period();
    auto key = stream_.seq_at(now) / period * period;
    while (stream_.due_time(key) + age <= now) key += period;
    return std::chrono::ceil<std::chrono::milliseconds>(stream_.due_time(key) + age - now);
  }
  /// The number of the packet with which the last one begins.
  [[nodiscard]] std::uint64_t last_key() const {
    const auto period = stream_.random_access_period();
    return stream_.seq_at(ace::SystemClock{}.now()) / period * period + 2;
  }

 private:
  std::string id_{stream_id(1)};
  NumberedStream stream_{infohash_of_content(id_), kBitrate, kInterval};
};

struct ProbeRun {
  std::chrono::milliseconds took{};
  std::string log;
};

ProbeRun run_probe(const std::string& url) {
  const auto started = std::chrono::steady_clock::now();
  ChildProcess probe{
      "ffprobe",
      "/usr/bin/ffprobe",
      {.arguments = {"-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", url}}};
  const auto exit = probe.wait(20s);
  const auto took = std::chrono::steady_clock::now() - started;
  CHECK((exit && exit->code == 0));
  return {.took = std::chrono::duration_cast<std::chrono::milliseconds>(took), .log = probe.log()};
}

}  // namespace

TEST_CASE("who joins late begins decodable, with seconds of media at once, on every worker",
          "[join]") {
  constexpr std::uint64_t kBitrate = 2'000'000;
  constexpr std::uint64_t kSecond = kBitrate / 8 / kTsPacketSize;
  const Service service{{.bitrate = kBitrate}};
  const auto id = stream_id(1);
  const auto seq_now = [&] {
    return NumberedStream{infohash_of_content(id), kBitrate}.seq_at(ace::SystemClock{}.now());
  };
  Viewers viewers{service.port()};
  viewers.open(40, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  viewers.run_for(7s);
  const auto came_at = seq_now();
  const auto first = viewers.open(20, stream_target(id));
  // What was sent at the stream's own pace would stay as far behind as it began.
  const auto are_live = [&] {
    const auto now = seq_now();
    for (auto i = first; i < viewers.size(); ++i) {
      if (viewers.at(i).checker().last_seq().value_or(0) + 2 * kSecond < now) return false;
    }
    return true;
  };
  CHECK(viewers.run_until(are_live, 10s));
  for (auto i = first; i < viewers.size(); ++i) {
    CHECK(viewers.at(i).checker().began_decodable());
    CHECK(viewers.at(i).checker().first_seq().value_or(came_at) + 4 * kSecond < came_at);
  }
  CHECK(viewers.workers().size() > 1);
  CHECK(viewers.faults().empty());
}

TEST_CASE("who joins between key frames that are far apart begins with the last one",
          "[join][gop]") {
  const auto redis = GENERATE(RedisIs::There, RedisIs::Away);
  CAPTURE(redis == RedisIs::There);
  const LongGop gop;
  // Memory holds five seconds, of which four lie beyond the burst.
  const Service service{{.workers = 2,
                         .bitrate = LongGop::kBitrate,
                         .redis = redis,
                         .engine_arguments = gop.engine_arguments(),
                         .environment = {{"PROXY_JOIN_BURST", "1s"}}}};
  Viewers viewers{service.port()};
  viewers.open(1, gop.target());
  REQUIRE(all_served(viewers, 20s));
  viewers.run_for(gop.until(0ms) + 7'500ms);
  const auto key = gop.last_key();
  viewers.open(19, gop.target());  // more than the owner takes
  REQUIRE(all_served(viewers, 3s));
  if (redis == RedisIs::There) CHECK(viewers.workers().size() == 2);
  for (std::size_t i = 1; i < viewers.size(); ++i) {
    CHECK(viewers.at(i).checker().began_decodable());
    CHECK(viewers.at(i).checker().first_seq() == key);
  }
  CHECK(viewers.faults().empty());
}

TEST_CASE("who joins before the first key frame begins with it", "[join][gop]") {
  const LongGop gop;
  const Service service{
      {.workers = 2, .bitrate = LongGop::kBitrate, .engine_arguments = gop.engine_arguments()}};
  Viewers viewers{service.port()};
  viewers.run_for(gop.until(3'500ms));
  viewers.open(1, gop.target());
  REQUIRE(all_served(viewers, 20s));
  const auto first = viewers.at(0).checker().first_seq();
  viewers.run_for(500ms);
  viewers.open(19, gop.target());
  REQUIRE(all_served(viewers, 20s));
  const auto key = gop.last_key();
  REQUIRE(first < key);
  CHECK(viewers.workers().size() == 2);
  for (std::size_t i = 1; i < viewers.size(); ++i) {
    CHECK(viewers.at(i).checker().began_decodable());
    CHECK(viewers.at(i).checker().first_seq() == key);
  }
  CHECK(viewers.faults().empty());
}

TEST_CASE("the first viewer on a worker begins decodable out of Redis", "[join]") {
  const Service service{{.workers = 2, .bitrate = 2'000'000}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(1, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  viewers.run_for(5s);
  viewers.open(19, stream_target(id));  // more than the owner takes
  REQUIRE(all_served(viewers, 20s));
  CHECK(viewers.workers().size() == 2);
  for (std::size_t i = 1; i < viewers.size(); ++i) {
    CHECK(viewers.at(i).checker().began_decodable());
  }
  CHECK(viewers.faults().empty());
}

TEST_CASE("a player that joins anywhere decodes without an error", "[join]") {
  Service service{{.workers = 2, .source = "ffmpeg"}};
  const auto target = stream_target(stream_id(1));
  Viewers viewers{service.port()};
  viewers.open(12, target, {.discard = true});
  REQUIRE(all_served(viewers, 20s));
  viewers.run_for(7s);
  const auto seats_are = [&](Seats wanted) {
    return viewers.run_until([&] { return seats_of(service) == wanted; }, 20s);
  };
  const auto owner = service.owner().id;
  const auto name = name_of_owner(service);
  std::minstd_rand random{std::random_device{}()};
  const int joins = is_long_run() ? 25 : 3;             // to each worker
  const auto decoder = ffmpeg(is_long_run() ? 10 : 7);  // more than the burst
  int at_owner = 0;
  int at_follower = 0;
  for (int i = 0; i < 4 * joins && std::min(at_owner, at_follower) < joins; ++i) {
    REQUIRE(owner_is_full(viewers, target, owner));
    // By turns, a place with the owner comes free, or its worker has its fill.
    const bool is_for_owner = at_owner <= at_follower;
    INFO("join " << i << (is_for_owner ? " to the owner" : " to the follower"));
    if (is_for_owner) close_one(viewers, owner, true);
    const Seats before{.owner = is_for_owner ? 7U : 8U, .follower = 4};
    REQUIRE(seats_are(before));
    viewers.run_for(std::chrono::milliseconds{random() % 1000});  // anywhere in a group of pictures
    const auto all = arrivals(service);
    const auto of_owner = arrivals(service, name);
    auto player = start(decoder, url_of(service, target));
    check_played(decoder, player, viewers, "joins");
    REQUIRE(arrivals(service) == all + 1);
    ++(arrivals(service, name) > of_owner ? at_owner : at_follower);
    REQUIRE(seats_are(before));
    if (is_for_owner) viewers.open(1, target, {.discard = true});
  }
  CHECK(at_owner >= joins);
  CHECK(at_follower >= joins);
}

TEST_CASE("a probe names the codecs of a running stream at once", "[join]") {
  const Service service{{.workers = 2, .source = "ffmpeg"}};
  const auto target = stream_target(stream_id(1));
  Viewers viewers{service.port()};
  viewers.open(1, target, {.discard = true});
  REQUIRE(all_served(viewers, 20s));
  viewers.run_for(7s);
  std::vector<std::chrono::milliseconds> times;
  for (int i = 0; i < 10; ++i) {
    if (i == 5) {  // from here on the owner has its fill
      viewers.open(9, target, {.discard = true});
      REQUIRE(all_served(viewers, 20s));
    }
    const auto probe = run_probe(url_of(service, target));
    INFO(probe.log);
    CHECK(probe.log.find("h264") != std::string::npos);
    CHECK(probe.log.find("aac") != std::string::npos);
    times.push_back(probe.took);
  }
  std::ranges::sort(times);
  WARN("ffprobe took " << times[5].count() << " ms, at most " << times.back().count());
  // With less media than it wants to see, a probe waits for 5 s of it.
  CHECK(times[5] < 3s);
}
