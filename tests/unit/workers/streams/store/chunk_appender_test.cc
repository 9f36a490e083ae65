#include "workers/streams/store/chunk_appender.h"

#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/coordinator/ownership/fake_time.h"
#include "tests/unit/workers/streams/store/fake_pipe.h"

using namespace ace;
using namespace ace::streams;
using namespace std::chrono_literals;

namespace {

struct Fixture final : ChunkAppender::Listener {
  explicit Fixture(AppendLimits limits = {}, std::uint64_t index = 0) {
    pipe.index = index;
    next = index + 1;
    appender.emplace(ChunkAppender::Grant{proto::StreamId::parse(std::string(40, 'a')).value(),
                                          {"host:1"},
                                          {500},
                                          {index},
                                          [this] { return may_write; }},
                     pipe, timers, limits, *this);
  }
  void on_committed(proto::ChunkIndex newest) override {
    committed = newest.value;
    if (destroy) appender.reset();
  }
  void on_backlog(bool is_too_much) override { backlog.push_back(is_too_much); }
  void on_append_refused(const Error& why) override {
    refused.push_back(why);
    if (destroy) appender.reset();
  }
  static std::string payload(std::uint64_t index, std::size_t size = 1000) {
    return std::string(size, static_cast<char>('a' + index % 26));
  }
  void append(int count, std::size_t size = 1000) {
    for (int i = 0; i < count; ++i, ++next) {
      appender->append({next}, proto::Chunk::copy_of(as_bytes(payload(next, size))));
    }
  }
  void check_chunks(std::uint64_t first, std::uint64_t last) const {
    for (auto i = first; i <= last; ++i) {
      CAPTURE(i);
      const auto chunk = pipe.values.find(test::FakePipe::chunk_key(i));
      REQUIRE(chunk != pipe.values.end());
      CHECK(chunk->second == payload(i, chunk->second.size()));
    }
  }
  void reconnect() {
    pipe.is_connected = true;
    appender->on_redis_up();
    pipe.run();
  }

  test::ManualClock clock;
  test::FakeTimers timers{clock};
  test::FakePipe pipe;
  std::uint64_t next{1};
  std::uint64_t committed{};
  std::vector<bool> backlog;
  std::vector<Error> refused;
  bool may_write{true};
  bool destroy{};
  std::optional<ChunkAppender> appender;
};

}  // namespace

TEST_CASE("chunks are staged and committed in one pipeline", "[appender]") {
  Fixture f{{}, 7};
  f.append(10);
  CHECK(f.pipe.pending() == 20);
  f.pipe.run();
  CHECK(f.pipe.index == 17);
  CHECK(f.committed == 17);
  f.check_chunks(8, 17);
  CHECK(f.appender->is_idle());
  CHECK(f.timers.armed() == 0);
}

TEST_CASE("an index that Redis is beyond is not appended, and ends nothing", "[appender]") {
  Fixture f{{}, 7};
  f.append(2);
  const auto before = f.next;
  f.next = 3;
  f.append(3);
  f.next = before;
  f.append(1);
  f.pipe.run();
  CHECK(f.pipe.index == 10);
  f.check_chunks(8, 10);
}

TEST_CASE("a vanished stage is sent again with all that was behind it", "[appender]") {
  Fixture f;
  f.append(5);
  for (int i = 0; i < 5; ++i) f.pipe.run_one();  // chunk 3 is staged
  f.pipe.values.erase("ace_proxy:stream:" + std::string(40, 'a') + ":buffer:stage:500:3");
  f.pipe.run();
  CHECK(f.pipe.index == 5);
  f.check_chunks(1, 5);
  CHECK(f.pipe.sets == 8);
  CHECK(f.appender->skipped() == 0);
}

TEST_CASE("a commit whose answer was lost is not stored twice", "[appender]") {
  Fixture f;
  f.pipe.lose_commits_from = 2;
  f.append(5);
  f.pipe.run();
  CHECK(f.pipe.index == 3);
  CHECK(f.committed == 2);
  f.reconnect();
  CHECK(f.pipe.index == 5);
  CHECK(f.committed == 5);
  f.check_chunks(1, 5);
  CHECK(f.pipe.sets == 7);  // five, and what was behind the loss: 4 and 5
}

TEST_CASE("what waits while Redis is down is sent when it is back", "[appender]") {
  Fixture f;
  f.append(2);
  f.pipe.run();
  f.pipe.is_connected = false;
  f.append(5);
  f.pipe.run();
  CHECK(f.pipe.index == 2);
  f.reconnect();
  CHECK(f.pipe.index == 7);
  f.check_chunks(1, 7);
}

TEST_CASE("an outage longer than the queue leaves one run of skips", "[appender]") {
  Fixture f{{.queue_bytes = 10000}};
  f.pipe.is_connected = false;
  f.append(5000);
  CHECK(f.appender->skipped() == 4990);
  f.reconnect();
  CHECK(f.pipe.index == 5000);
  CHECK(f.pipe.commits == 11);
  CHECK_FALSE(f.pipe.values.contains(test::FakePipe::chunk_key(4990)));
  f.check_chunks(4991, 5000);
}

TEST_CASE("what nobody has any more is skipped before what is there", "[appender]") {
  Fixture f{{}, 7};
  f.next = 501;
  f.append(3);
  f.pipe.run();
  CHECK(f.pipe.index == 503);
  CHECK(f.appender->skipped() == 493);
  f.check_chunks(501, 503);
}

TEST_CASE("a chunk that Redis has no memory for is skipped, the next one not", "[appender]") {
  Fixture f;
  f.pipe.max_value_bytes = 1500;
  f.append(2);
  f.append(1, 2000);
  f.append(2);
  f.pipe.run();
  CHECK(f.pipe.index == 5);
  CHECK(f.appender->skipped() == 1);
  f.check_chunks(1, 2);
  CHECK_FALSE(f.pipe.values.contains(test::FakePipe::chunk_key(3)));
  f.check_chunks(4, 5);
}

TEST_CASE("where Redis is short of memory less is kept, and nothing is skipped", "[appender]") {
  Fixture f;
  f.pipe.capacity = 20'500;
  for (int i = 0; i < 200; ++i) {
    f.append(1);
    f.pipe.run();
  }
  CHECK(f.pipe.index == 200);
  CHECK(f.appender->skipped() == 0);
  CHECK_FALSE(f.appender->is_without_room());
  f.check_chunks(200 - 8, 200);
  CHECK(f.pipe.sets < 300);  // a shortage is met seldom, not with each chunk
  f.pipe.capacity = SIZE_MAX;
  f.append(500);
  f.pipe.run();
  f.check_chunks(700 - 30, 700);  // and more is kept again
}

TEST_CASE("chunks in flight at once find one shortage", "[appender]") {
  Fixture f;
  f.append(40);
  f.pipe.run();
  f.pipe.capacity = f.pipe.held() + 500;
  f.append(5);
  f.pipe.run();
  CHECK(f.pipe.index == 45);
  CHECK(f.appender->skipped() == 0);
  CHECK(f.pipe.held() > 25'000);
}

TEST_CASE("a Redis that is full although all has gone is told, until it has room", "[appender]") {
  Fixture f;
  f.append(20);
  f.pipe.run();
  f.pipe.capacity = 1;
  f.append(2);
  f.pipe.run();
  CHECK(f.pipe.index == 22);
  CHECK(f.appender->skipped() == 2);
  CHECK(f.appender->is_without_room());
  f.pipe.capacity = SIZE_MAX;
  f.append(1);
  f.pipe.run();
  CHECK_FALSE(f.appender->is_without_room());
  f.check_chunks(23, 23);
}

TEST_CASE("without memory chunks are tried one at a time until one is stored", "[appender]") {
  Fixture f;
  f.pipe.max_value_bytes = 10;
  f.append(3);
  f.pipe.run();
  CHECK(f.appender->skipped() == 3);
  f.append(4);
  CHECK(f.pipe.pending() == 2);
  f.pipe.run();
  CHECK(f.appender->skipped() == 7);
  CHECK(f.pipe.index == 7);
  f.pipe.max_value_bytes = SIZE_MAX;
  f.append(2);
  f.pipe.run();
  f.check_chunks(8, 9);
  f.append(3);
  CHECK(f.pipe.pending() == 6);
}

TEST_CASE("another owner's epoch stops the appender, once", "[appender]") {
  Fixture f;
  f.append(3);
  f.pipe.epoch = 501;
  f.pipe.run();
  REQUIRE(f.refused.size() == 1);
  CHECK(f.refused[0].code == Errc::Refused);
  f.append(3);
  f.appender->on_redis_up();
  CHECK(f.pipe.pending() == 0);
  CHECK(f.timers.armed() == 0);
}

TEST_CASE("an index that cannot be ours asks for a new claim", "[appender]") {
  Fixture f{{}, 100};
  SECTION("Redis forgot") { f.pipe.index = 0; }
  SECTION("Redis is ahead") { f.pipe.index = 200; }
  f.append(1);
  f.pipe.run();
  REQUIRE(f.refused.size() == 1);
  CHECK(f.refused[0].code == Errc::Protocol);
}

TEST_CASE("a key of another type asks for a new claim", "[appender]") {
  Fixture f;
  f.pipe.error = "WRONGTYPE Operation against a key";
  f.append(1);
  f.pipe.run();
  REQUIRE(f.refused.size() == 1);
  CHECK(f.refused[0].code == Errc::Protocol);
}

TEST_CASE("a server that refuses everything is asked again, slower and slower", "[appender]") {
  Fixture f;
  f.pipe.error = "BUSY Redis is busy running a script";
  f.append(3);
  f.pipe.run();
  for (int i = 0; i < 100; ++i) {
    f.timers.advance(100ms);
    f.pipe.run();
  }
  CHECK(f.pipe.sets == 3);
  f.pipe.error.clear();
  f.timers.advance(1s);
  f.pipe.run();
  CHECK(f.pipe.index == 3);
  f.check_chunks(1, 3);
}

TEST_CASE("a fenced owner commits nothing", "[appender]") {
  Fixture f;
  f.may_write = false;
  f.append(3);
  CHECK(f.pipe.pending() == 0);
  f.may_write = true;
  f.append(1);
  f.pipe.run();
  CHECK(f.pipe.index == 4);
}

TEST_CASE("what is in flight is bounded, and a backlog is told", "[appender]") {
  Fixture f{{.bytes_in_flight = 3000, .backlog_high = 5000, .backlog_low = 1000}};
  f.append(5);
  CHECK(f.pipe.pending() == 6);
  CHECK(f.backlog.empty());
  f.append(1);
  CHECK(f.backlog == std::vector{true});
  f.pipe.run();
  CHECK(f.pipe.most_asked <= 7);
  CHECK(f.backlog == std::vector{true, false});
  f.check_chunks(1, 6);
}

TEST_CASE("no backlog is told while Redis is down: its own clients need the engine", "[appender]") {
  Fixture f{{.bytes_in_flight = 3000, .backlog_high = 5000, .backlog_low = 1000}};
  f.append(6);
  CHECK(f.backlog == std::vector{true});
  f.pipe.is_connected = false;
  f.pipe.run();
  CHECK(f.backlog == std::vector{true, false});
  f.append(6);
  CHECK(f.backlog.size() == 2);
}

TEST_CASE("the listener may destroy the appender in any call", "[appender]") {
  Fixture f;
  f.destroy = true;
  f.append(3);
  SECTION("committed") {}
  SECTION("refused") { f.pipe.epoch = 501; }
  f.pipe.run();
  CHECK_FALSE(f.appender.has_value());
}

TEST_CASE("what was left out is skipped, and what came behind it is stored", "[appender]") {
  Fixture f{{}, 7};
  f.next = 11;
  f.append(2);
  f.next = 15;
  f.append(2);
  f.pipe.run();
  CHECK(f.pipe.index == 16);
  CHECK(f.committed == 16);
  CHECK(f.appender->skipped() == 5);
  f.check_chunks(11, 12);
  f.check_chunks(15, 16);
  CHECK_FALSE(f.pipe.values.contains(test::FakePipe::chunk_key(10)));
}

TEST_CASE("an appender knows what Redis may have, answered or not", "[appender]") {
  Fixture f{{.bytes_in_flight = 3000}, 7};
  CHECK(f.appender->tried() == proto::ChunkIndex{7});
  f.append(5);
  CHECK(f.appender->tried() == proto::ChunkIndex{10});
  CHECK(f.appender->committed() == proto::ChunkIndex{7});
}

TEST_CASE("Redis keeps no more chunks than it should", "[appender]") {
  Fixture f{{.buffer_chunks = 3}};
  f.append(5);
  f.pipe.run();
  CHECK(f.pipe.unlinks == std::vector<std::pair<std::uint64_t, std::uint64_t>>{{1, 1}, {2, 2}});
  CHECK(f.appender->oldest() == proto::ChunkIndex{3});
}
