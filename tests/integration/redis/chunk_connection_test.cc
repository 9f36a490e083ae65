#include "shared/redis/chunk_connection.h"

#include <cstring>

#include <catch2/catch.hpp>

#include "tests/integration/redis/redis_bench.h"
#include "tests/support/redis/redis_server.h"

using namespace ace::test;
using ace::Errc;
using ace::redis::ChunkConnection;
using ace::redis::Reply;
using ace::redis::Script;

namespace {

using Bytes = std::vector<std::byte>;

std::shared_ptr<Bytes> pattern(std::size_t size, unsigned seed) {
  auto bytes = std::make_shared<Bytes>(size);
  unsigned state = seed * 2654435761U + 1;
  for (auto& byte : *bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<std::byte>(state >> 24U);
  }
  return bytes;
}

struct Fetched {
  std::shared_ptr<Bytes> memory{std::make_shared<Bytes>()};
  std::optional<ace::Result<std::optional<std::size_t>>> answer;

  [[nodiscard]] ChunkConnection::Allocator allocator() const {
    return [kept = memory](std::size_t size) {
      kept->resize(size);
      return std::span<std::byte>{*kept};
    };
  }
  [[nodiscard]] ChunkConnection::GetCallback callback() {
    return [this](ace::Result<std::optional<std::size_t>> got) { answer = std::move(got); };
  }
};

struct Chunks {
  RedisServer server{{.tcp = RedisServer::Tcp::On, .password = {}, .arguments = {}}};
  LoopBench bench;
  Heard heard;
  std::unique_ptr<ChunkConnection> connection;

  explicit Chunks(RedisServer::Tcp tcp = RedisServer::Tcp::Off,
                  ace::redis::Deadlines deadlines = kPatient) {
    const auto endpoint = tcp == RedisServer::Tcp::On ? server.tcp_endpoint() : server.endpoint();
    connection =
        std::make_unique<ChunkConnection>(bench.loop, bench.timers, endpoint, deadlines, heard);
    REQUIRE(bench.until([&] { return connection->is_up(); }));
  }
};

}  // namespace

TEST_CASE("large values go out and come back byte by byte", "[redis][chunks]") {
  const auto tcp = GENERATE(RedisServer::Tcp::Off, RedisServer::Tcp::On);
  Chunks chunks{tcp};
  constexpr std::size_t kCount = 40;  // 12 MB in one turn: more than any socket buffer takes
  std::vector<std::shared_ptr<Bytes>> sent;
  std::size_t total{};
  std::vector<Kept> stored(kCount);
  for (unsigned i = 0; i < kCount; ++i) {
    sent.push_back(pattern(300 * 1024 + i, i));
    total += sent.back()->size();
    chunks.connection->set("k" + std::to_string(i), 60s, sent.back(), *sent.back(),
                           stored[i].callback());
  }
  CHECK(chunks.connection->bytes_in_flight() == total);
  std::vector<Fetched> fetched(kCount);
  for (unsigned i = 0; i < kCount; ++i) {
    chunks.connection->get("k" + std::to_string(i), fetched[i].allocator(), fetched[i].callback());
  }
  REQUIRE(chunks.bench.until([&] { return fetched.back().answer.has_value(); }));
  CHECK(chunks.connection->bytes_in_flight() == 0);
  for (unsigned i = 0; i < kCount; ++i) {
    REQUIRE(stored[i].get());
    REQUIRE(fetched[i].answer->value() == sent[i]->size());
    REQUIRE(*fetched[i].memory == *sent[i]);
    CHECK(sent[i].use_count() == 1);  // written: nobody keeps it any more
  }
  const auto ttl = chunks.server.command({"PTTL", "k0"});
  CHECK(ttl->integer > 50'000);
  CHECK(ttl->integer <= 60'000);
}

TEST_CASE("answers come in the order of all kinds of commands", "[redis][chunks]") {
  Chunks chunks;
  const auto payload = pattern(300 * 1024, 7);
  const Script count{"return redis.call('STRLEN', KEYS[1])"};
  std::vector<std::string> order;
  const auto note = [&order](const ace::Result<Reply>& reply) {
    order.push_back(reply ? reply->text + std::to_string(reply->integer) : reply.error().text);
  };
  Fetched fetched;
  chunks.connection->command({"SCRIPT", "LOAD", count.text()}, [](const auto&) {});
  chunks.connection->set("k", 60s, payload, *payload, note);
  chunks.connection->eval(count, {"k"}, {}, note);
  chunks.connection->get("k", fetched.allocator(), [&](const auto& size) {
    REQUIRE(size);
    order.push_back("get" + std::to_string(size->value()));
  });
  chunks.connection->command({"ECHO", "end"}, note);
  REQUIRE(chunks.bench.until([&] { return order.size() == 4; }));
  CHECK(order == std::vector<std::string>{"OK0", "307200", "get307200", "end0"});
}

TEST_CASE("a script that the server does not know is sent whole", "[redis][chunks]") {
  Chunks chunks;
  const Script script{"return {KEYS[1], {ARGV[1], 1}, false}"};
  Kept kept;
  chunks.connection->eval(script, {"k"}, {"v"}, kept.callback());
  REQUIRE(chunks.bench.until([&] { return kept.is_there(); }));
  REQUIRE(kept.get());
  REQUIRE(kept.get()->elements.size() == 3);
  CHECK(kept.get()->elements[1].elements[0].text == "v");
  CHECK(kept.get()->elements[2].is_nil());
}

TEST_CASE("a key that is not there is no value, and asks for no memory", "[redis][chunks]") {
  Chunks chunks;
  Fetched fetched;
  chunks.connection->get(
      "none", [](std::size_t) -> std::span<std::byte> { throw std::logic_error{"asked"}; },
      fetched.callback());
  REQUIRE(chunks.bench.until([&] { return fetched.answer.has_value(); }));
  REQUIRE(*fetched.answer);
  CHECK_FALSE(fetched.answer->value());
}

TEST_CASE("a value that is too large for the caller is read over", "[redis][chunks]") {
  Chunks chunks;
  const auto payload = pattern(300 * 1024, 1);
  Kept stored;
  chunks.connection->set("k", 60s, payload, *payload, stored.callback());
  Fetched refused;
  chunks.connection->get(
      "k", [](std::size_t) { return std::span<std::byte>{}; }, refused.callback());
  Fetched fetched;
  chunks.connection->get("k", fetched.allocator(), fetched.callback());
  REQUIRE(chunks.bench.until([&] { return fetched.answer.has_value(); }));
  CHECK(refused.answer->error().code == Errc::TooLarge);
  CHECK(*fetched.memory == *payload);
  CHECK(chunks.heard.downs.empty());
}

TEST_CASE("a key of another type is refused in the server's words", "[redis][chunks]") {
  Chunks chunks;
  REQUIRE(chunks.server.command({"SADD", "k", "x"}));
  Fetched fetched;
  chunks.connection->get("k", fetched.allocator(), fetched.callback());
  REQUIRE(chunks.bench.until([&] { return fetched.answer.has_value(); }));
  CHECK(fetched.answer->error().code == Errc::Refused);
  CHECK_THAT(fetched.answer->error().text, Catch::StartsWith("WRONGTYPE"));
}

TEST_CASE("an empty value is a value", "[redis][chunks]") {
  Chunks chunks;
  Kept stored;
  chunks.connection->set("k", 60s, nullptr, {}, stored.callback());
  Fetched fetched;
  chunks.connection->get("k", fetched.allocator(), fetched.callback());
  REQUIRE(chunks.bench.until([&] { return fetched.answer.has_value(); }));
  CHECK(stored.get());
  CHECK(fetched.answer->value() == 0U);
}

TEST_CASE("a server that is out of memory says so and the connection stays", "[redis][chunks]") {
  Chunks chunks;
  REQUIRE(chunks.server.command({"CONFIG", "SET", "maxmemory", "1mb"}));
  const auto payload = pattern(2 << 20U, 3);
  Kept stored;
  chunks.connection->set("k", 60s, payload, *payload, stored.callback());
  chunks.connection->set("l", 60s, payload, *payload, stored.callback());
  REQUIRE(chunks.bench.until([&] { return stored.state->times == 2; }));
  REQUIRE_FALSE(stored.get());
  CHECK_THAT(stored.get().error().text, Catch::StartsWith("OOM"));
  CHECK(chunks.connection->is_up());
}

TEST_CASE("what was in flight when the server died is answered and forgotten", "[redis][chunks]") {
  Chunks chunks{RedisServer::Tcp::Off, kShort};
  chunks.server.pause();
  const auto payload = pattern(4 << 20U, 5);
  Kept stored;
  Fetched fetched;
  chunks.connection->set("k", 60s, payload, *payload, stored.callback());
  chunks.connection->get("k", fetched.allocator(), fetched.callback());
  REQUIRE(chunks.bench.until([&] { return stored.is_there(); }));
  CHECK(stored.get().error().code == Errc::Timeout);
  CHECK(fetched.answer->error().code == Errc::Timeout);
  CHECK(chunks.connection->bytes_in_flight() == 0);
  chunks.server.resume();
  REQUIRE(chunks.bench.until([&] { return chunks.connection->is_up(); }));
  CHECK(payload.use_count() == 1);
}

TEST_CASE("an answer or an allocator may destroy the connection", "[redis][chunks]") {
  Chunks chunks;
  const auto payload = pattern(300 * 1024, 9);
  Kept stored;
  chunks.connection->set("k", 60s, payload, *payload, stored.callback());
  Fetched first;
  Fetched second;
  const auto memory = first.allocator();
  SECTION("allocator") {
    chunks.connection->get(
        "k",
        [&, memory](std::size_t size) {
          chunks.connection.reset();
          return memory(size);
        },
        first.callback());
  }
  SECTION("answer") {
    chunks.connection->get("k", memory, [&](auto got) {
      first.answer = std::move(got);
      chunks.connection.reset();
    });
  }
  chunks.connection->get("k", second.allocator(), second.callback());
  REQUIRE(chunks.bench.until([&] { return second.answer.has_value(); }));
  CHECK(second.answer->error().code == Errc::Closed);
  CHECK(first.answer.has_value());
}
