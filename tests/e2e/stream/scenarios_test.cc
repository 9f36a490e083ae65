#include <algorithm>
#include <charconv>
#include <map>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"
#include "tests/support/viewers/numbered_ts.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

/// `HGETALL` as a map.
std::map<std::string, std::string> hash(const Service& service, const std::string& key) {
  std::map<std::string, std::string> fields;
  const auto reply = service.redis({"HGETALL", key});
  for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
    fields[reply.elements[i].text] = reply.elements[i + 1].text;
  }
  return fields;
}

/// Of the last client's leaving, the five seconds included.
constexpr auto kStopsWithin = 7s;

std::size_t stored_chunks(const Service& service, const std::string& id) {
  return service.redis_count({"KEYS", stream_key(id, "buffer:chunk:*")});
}

std::int64_t buffer_index(const Service& service, const std::string& id) {
  return service.redis_number({"GET", stream_key(id, "buffer:index")});
}

bool is_watched_by(const Service& service, const std::string& id, std::size_t clients) {
  return service.redis_count({"SMEMBERS", stream_key(id, "clients")}) == clients;
}

}  // namespace

TEST_CASE("scenario 1: a single client, and what Redis holds of its stream", "[scenario]") {
  const Service service;
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(1, stream_target(id));
  // Chunks go another way to Redis than all else.
  std::map<std::string, std::string> metadata;
  const auto is_buffered = [&] {
    metadata = hash(service, stream_key(id, "metadata"));
    return metadata["state"] == "active" && is_watched_by(service, id, 1) &&
           buffer_index(service, id) >= 5;
  };
  REQUIRE(viewers.run_until(is_buffered, 20s));

  CHECK(metadata.at("content_id") == id);
  CHECK(metadata.at("owner") == service.owner().id);
  CHECK(metadata.at("engine_host") == "127.0.0.1");
  CHECK(metadata.at("engine_port") == std::to_string(service.engines().port()));
  CHECK_FALSE(metadata.at("playback_url").empty());
  CHECK(service.redis({"GET", stream_key(id, "owner")}).text == service.owner().id);

  const auto before = buffer_index(service, id);
  const auto chunks = static_cast<std::int64_t>(stored_chunks(service, id));
  CHECK(chunks >= before);
  CHECK(chunks <= buffer_index(service, id));
  const auto size = service.redis_number({"STRLEN", stream_key(id, "buffer:chunk:1")});
  CHECK(size > 0);
  CHECK(size % 188 == 0);
}

TEST_CASE("scenario 2: three clients are one stream", "[scenario]") {
  const Service service;
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(3, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  CHECK(viewers.run_until([&] { return is_watched_by(service, id, 3); }, 20s));
  // That it delivers is told behind what it delivers.
  std::vector<StreamRow> streams;
  const auto is_told = [&] {
    streams = service.started_streams();
    return !streams.empty();
  };
  REQUIRE(viewers.run_until(is_told, 20s));
  REQUIRE(streams.size() == 1);
  CHECK(streams.front().key == id);
  CHECK(streams.front().clients == 3);
  CHECK(service.engines().state().stream(id).opened == 1);
}

TEST_CASE("scenario 3: five seconds after its client left a stream is gone", "[scenario]") {
  const Service service;
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(1, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  REQUIRE(viewers.run_until([&] { return is_watched_by(service, id, 1); }, 20s));
  viewers.close(0);
  const auto is_gone = [&] {
    return is_watched_by(service, id, 0) &&
           service.redis_number({"EXISTS", stream_key(id, "metadata")}) == 0;
  };
  CHECK(viewers.run_until(is_gone, kStopsWithin));
}

TEST_CASE("scenario 4: five streams are distributed over three engines", "[scenario]") {
  const Service service{{.engines = 3, .bitrate = 2'000'000}};
  Viewers viewers{service.port()};
  for (unsigned i = 1; i <= 5; ++i) viewers.open(1, stream_target(stream_id(i)));
  REQUIRE(all_served(viewers, 20s));
  REQUIRE(viewers.run_until([&] { return service.started_streams().size() == 5; }, 20s));
  std::map<std::string, std::size_t> streams_of;
  for (const auto& stream : service.started_streams()) ++streams_of[stream.container_id];
  std::vector<std::size_t> counts;
  for (const auto& [engine, count] : streams_of) counts.push_back(count);
  std::ranges::sort(counts);
  CHECK(counts == std::vector<std::size_t>{1, 2, 2});
  const auto state = service.engines().state();
  for (std::size_t engine = 0; engine < 3; ++engine) {
    CHECK(state.engine(engine, "sessions_opened") <= 2);
  }
}

TEST_CASE("a client that comes back within five seconds finds its stream", "[scenario]") {
  constexpr std::uint64_t kBitrate = 2'000'000;
  constexpr std::uint64_t kPacketsPerSecond = kBitrate / 8 / kTsPacketSize;
  const Service service{{.bitrate = kBitrate}};
  const auto id = stream_id(1);
  const NumberedStream stream{infohash_of_content(id), kBitrate};
  Viewers viewers{service.port()};
  viewers.open(1, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  viewers.close(0);
  viewers.run_for(2500ms);  // whatever is late by as much is in time all the same
  const auto back = stream.seq_at(ace::SystemClock{}.now());
  viewers.open(1, stream_target(id));
  const auto is_live = [&] {
    return viewers.at(1).checker().last_seq() > back + 2 * kPacketsPerSecond;
  };
  CHECK(viewers.run_until(is_live, 20s));
  CHECK(viewers.count(ViewerState::Streaming) == 1);
  // It begins with what the engine went on sending, as far as that is from a random access point.
  CHECK(viewers.at(1).checker().first_seq() < back - kPacketsPerSecond);
  CHECK(viewers.faults().empty());
  CHECK(service.engines().state().stream(id).opened == 1);
  CHECK(service.engines().state().engine(0, "stops_received") == 0);
}

TEST_CASE("the engine's session is stopped and every key gone when nobody came back",
          "[scenario]") {
  const Service service{{.bitrate = 2'000'000}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(12, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  CHECK(service.redis_number({"SISMEMBER", "ace_proxy:streams", id}) == 1);
  viewers.close_all();
  const auto left = std::chrono::steady_clock::now();
  const auto is_stopped = [&] { return service.engines().state().engine(0, "stops_received") > 0; };
  REQUIRE(viewers.run_until(is_stopped, 20s));
  const auto after = std::chrono::steady_clock::now() - left;
  CHECK(after > 4800ms);
  CHECK(after < kStopsWithin);
  const auto is_forgotten = [&] {
    return service.redis_count({"KEYS", stream_key(id, "*")}) == 0 &&
           service.redis_number({"SISMEMBER", "ace_proxy:streams", id}) == 0;
  };
  CHECK(wait_until(is_forgotten, 5s));
  CHECK(service.engines().state().engine(0, "stops_received") == 1);
  CHECK(service.engines().state().engine(0, "sessions_alive") == 0);
}
