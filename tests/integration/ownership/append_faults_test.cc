#include <numeric>

#include <catch2/catch.hpp>

#include "proto/redis/redis_keys.h"
#include "tests/integration/ownership/worker_bench.h"

using namespace ace;
using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr int kChunks = 4;
constexpr std::size_t kCommands = 2 * kChunks;  // a stage and a commit each

/// What `worker` writes under `index`, and nobody else under no other.
std::string media(const std::string& worker, std::uint64_t index) {
  const auto word = worker + " wrote " + std::to_string(index) + ". ";
  std::string bytes;
  while (bytes.size() < 188 * (20 + index % 7)) bytes += word;
  bytes.resize(188 * (20 + index % 7));
  return bytes;
}

void append(Worker& worker, int count = kChunks) {
  for (; count > 0; --count, worker.next = worker.next.next()) {
    const auto bytes = media(worker.self.value, worker.next.value);
    worker.appender->append(worker.next, proto::Chunk::copy_of(as_bytes(bytes)));
  }
}

std::string text(const World& world, const std::vector<std::string>& command) {
  const auto reply = world.server.command(command);
  return std::string{reply.value().as_text().value_or("")};
}

std::uint64_t stored_index(const World& world) {
  return std::stoull(text(world, {"GET", proto::StreamKeys{world.id}.buffer_index()}));
}

std::string stored_chunk(const World& world, std::uint64_t index) {
  return text(world, {"GET", proto::StreamKeys{world.id}.chunk({index})});
}

/// Up to `boundary` w1's chunks are to be read, from there to `last` w2's, and nothing beyond.
void check_stored(const World& world, std::uint64_t boundary, std::uint64_t last) {
  CHECK(stored_index(world) == last);
  for (std::uint64_t i = 1; i <= last; ++i) {
    INFO("chunk " << i);
    CHECK(stored_chunk(world, i) == media(i <= boundary ? "w1" : "w2", i));
  }
  for (auto i = last + 1; i <= last + kChunks; ++i) CHECK(stored_chunk(world, i).empty());
}

/// The same for somebody who has followed all the time: each once, in order.
void check_followed(World& world, const Worker& reader, std::uint64_t boundary,
                    std::uint64_t last) {
  CHECK(world.until([&] { return reader.got.contains(last); }));
  std::vector<std::uint64_t> all(last);
  std::iota(all.begin(), all.end(), 1);
  CHECK(reader.order == all);
  for (const auto& [index, bytes] : reader.got) {
    INFO("chunk " << index);
    CHECK(bytes == media(index <= boundary ? "w1" : "w2", index));
  }
}

void follow_from_start(Worker& reader) {
  reader.follow();
  reader.follower->start(proto::ChunkIndex{0});
}

bool has_committed(World& world, const Worker& worker, std::uint64_t index) {
  return world.until([&] { return worker.committed.value == index; });
}

}  // namespace

TEST_CASE("an owner may die after any of its commands", "[append_faults]") {
  for (std::size_t sent = 0; sent <= kCommands; ++sent) {
    INFO(sent << " commands of the owner were run");
    const std::uint64_t committed = sent / 2;
    World world;
    Worker reader{world, "w3"};
    Worker next{world, "w2"};
    {
      Worker owner{world, "w1"};
      REQUIRE(owner.claim());
      follow_from_start(reader);
      owner.tap.allow(sent);
      append(owner);
      REQUIRE(world.until([&] { return owner.tap.is_quiet(); }));
    }
    check_stored(world, committed, committed);
    REQUIRE(next.claim({{"w1"}}));
    CHECK(next.next.value == committed + 1);
    check_stored(world, committed, committed);
    append(next);
    CHECK(has_committed(world, next, committed + kChunks));
    check_stored(world, committed, committed + kChunks);
    check_followed(world, reader, committed, committed + kChunks);
  }
}

TEST_CASE("what a fenced owner sends too late is never seen", "[append_faults]") {
  enum class Late { BeforeTheNext, BetweenItsStageAndCommit, AfterTheNext };
  const auto late =
      GENERATE(Late::BeforeTheNext, Late::BetweenItsStageAndCommit, Late::AfterTheNext);
  for (std::size_t sent = 0; sent < kCommands; ++sent) {
    INFO(sent << " commands of the owner were run in time, case " << static_cast<int>(late));
    const std::uint64_t committed = sent / 2;
    World world;
    Worker reader{world, "w3"};
    Worker next{world, "w2"};
    Worker owner{world, "w1"};
    REQUIRE(owner.claim());
    follow_from_start(reader);
    owner.tap.allow(sent);
    append(owner);
    REQUIRE(world.until([&] { return owner.tap.is_quiet(); }));
    REQUIRE(next.claim({{"w1"}}));
    const auto come_late = [&] {
      owner.tap.open();
      REQUIRE(world.until([&] { return owner.tap.is_quiet(); }));
    };
    if (late == Late::BeforeTheNext) come_late();
    check_stored(world, committed, committed);
    if (late == Late::BetweenItsStageAndCommit) next.tap.allow(1);
    append(next);
    if (late == Late::BetweenItsStageAndCommit) {
      REQUIRE(world.until([&] { return next.tap.is_quiet(); }));
      come_late();
      check_stored(world, committed, committed);
      next.tap.open();
    }
    CHECK(has_committed(world, next, committed + kChunks));
    if (late == Late::AfterTheNext) come_late();
    CHECK(owner.refused.size() == 1);
    CHECK(owner.committed.value == committed);
    CHECK(next.refused.empty());
    check_stored(world, committed, committed + kChunks);
    check_followed(world, reader, committed, committed + kChunks);
  }
}

TEST_CASE("a commit whose answer was lost is not done twice", "[append_faults]") {
  for (int before = 0; before < kChunks; ++before) {
    INFO(before << " chunks before it");
    World world;
    Worker reader{world, "w3"};
    Worker owner{world, "w1"};
    REQUIRE(owner.claim());
    follow_from_start(reader);
    append(owner, before);
    REQUIRE(has_committed(world, owner, static_cast<std::uint64_t>(before)));
    owner.tap.lose_next_answer();
    append(owner, kChunks);
    const auto last = static_cast<std::uint64_t>(before + kChunks);
    CHECK(has_committed(world, owner, last));
    CHECK(owner.appender->skipped() == 0);
    check_stored(world, last, last);
    check_followed(world, reader, last, last);
  }
}

TEST_CASE("a stage that is evicted before its commit is staged again", "[append_faults]") {
  World world;
  Worker reader{world, "w3"};
  Worker owner{world, "w1"};
  REQUIRE(owner.claim());
  follow_from_start(reader);
  int evictions = 0;
  owner.tap.before_commit([&](const std::string& stage) {
    if (!stage.ends_with(":2") || evictions > 0) return;
    ++evictions;
    owner.pipe.command({"DEL", stage}, [](const Result<redis::Reply>&) {});
  });
  append(owner);
  CHECK(has_committed(world, owner, kChunks));
  CHECK(evictions == 1);
  CHECK(owner.appender->skipped() == 0);
  check_stored(world, kChunks, kChunks);
  check_followed(world, reader, kChunks, kChunks);
}

TEST_CASE("a stage that is evicted again and again is skipped, and the rest goes on",
          "[append_faults]") {
  World world;
  Worker reader{world, "w3"};
  Worker owner{world, "w1"};
  REQUIRE(owner.claim());
  follow_from_start(reader);
  owner.tap.before_commit([&](const std::string& stage) {
    if (!stage.ends_with(":2")) return;
    owner.pipe.command({"DEL", stage}, [](const Result<redis::Reply>&) {});
  });
  append(owner);
  CHECK(has_committed(world, owner, kChunks));
  CHECK(owner.appender->skipped() == 1);
  CHECK(world.until([&] { return reader.got.contains(kChunks); }));
  CHECK(reader.order == std::vector<std::uint64_t>{1, 3, 4});
  CHECK(reader.got.at(2) == "missing");
  CHECK(stored_index(world) == kChunks);
  CHECK(stored_chunk(world, 2).empty());
}

TEST_CASE("what lies where a chunk is to be does not come through", "[append_faults]") {
  World world;
  Worker reader{world, "w3"};
  Worker owner{world, "w1"};
  REQUIRE(owner.claim());
  const proto::StreamKeys keys{world.id};
  REQUIRE(world.server.command({"SET", keys.chunk({1}), media("w9", 1)}).has_value());
  REQUIRE(world.server.command({"RPUSH", keys.chunk({2}), "junk"}).has_value());
  const auto stage = keys.stage(owner.lease.epoch(), {3});
  REQUIRE(world.server.command({"RPUSH", stage, "junk"}).has_value());
  follow_from_start(reader);
  append(owner);
  CHECK(has_committed(world, owner, kChunks));
  check_stored(world, kChunks, kChunks);
  check_followed(world, reader, kChunks, kChunks);
  const auto life = world.server.command({"PTTL", keys.chunk({1})});
  CHECK(life.value().as_integer().value() > 5000);
}
