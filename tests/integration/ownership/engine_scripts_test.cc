#include <catch2/catch.hpp>

#include "tests/integration/ownership/script_bench.h"

using namespace ace;
using test::ScriptBench;

namespace {

/// An engine as the choose script is told of it.
struct Bid {
  std::string id;
  std::string tier{"0"};
  std::string is_forwarded{"0"};
  std::string max_streams{"0"};
  std::string load{"0"};
};

struct Bench : ScriptBench {
  struct Choice {
    std::int64_t at{};
    std::int64_t wait{};
  };
  [[nodiscard]] Choice choose(const std::string& stream, const std::vector<Bid>& bids,
                              const std::string& settle = "0") const {
    Strings args{stream, "30000", settle, proto::engine_prefix()};
    for (const auto& bid : bids) {
      for (const auto& arg : {bid.id, bid.tier, bid.is_forwarded, bid.max_streams, bid.load}) {
        args.push_back(arg);
      }
    }
    const auto reply = eval(proto::kChooseEngineScript, {}, args);
    if (!reply) throw std::runtime_error{reply.error().text};
    return {reply->elements.at(0).as_integer().value(), reply->elements.at(1).as_integer().value()};
  }
  /// Ids of the engines that streams 1 … `count` are given, one after the other.
  [[nodiscard]] std::string start(int count, const std::vector<Bid>& bids) const {
    std::string ids;
    for (int i = 1; i <= count; ++i) {
      const auto at = choose("s" + std::to_string(i), bids).at;
      ids += at < 0 ? "-" : bids.at(static_cast<std::size_t>(at)).id;
    }
    return ids;
  }
  [[nodiscard]] std::int64_t load(const std::string& engine) const {
    return number({"ZCARD", proto::engine_streams_key(engine)});
  }
};

}  // namespace

TEST_CASE("streams spread over the engines, the forwarded one first", "[engine_scripts]") {
  const Bench b;
  CHECK(b.start(6, {{.id = "a"}, {.id = "b", .is_forwarded = "1"}, {.id = "c"}}) == "bacbac");
  CHECK(b.load("a") == 2);
  CHECK(b.number({"PTTL", proto::engine_streams_key("a")}) > 0);
  const auto loads = b.eval(proto::kEngineLoadsScript, {}, {proto::engine_prefix(), "a", "x"});
  REQUIRE(loads);
  CHECK(loads->elements.at(0).as_integer() == 2);
  CHECK(loads->elements.at(1).as_integer() == 0);
}

TEST_CASE("a stream counts on one engine, and not against itself", "[engine_scripts]") {
  const Bench b;
  const std::vector<Bid> bids{{.id = "a", .max_streams = "1"}, {.id = "b", .max_streams = "1"}};
  CHECK(b.choose("s", bids).at == 0);
  CHECK(b.choose("s", bids).at == 0);
  CHECK(b.choose("s", {{.id = "a", .tier = "3"}, {.id = "b"}}).at == 1);
  CHECK(b.load("a") == 0);
  CHECK(b.load("b") == 1);
}

TEST_CASE("full, failed and unhealthy engines come last or not at all", "[engine_scripts]") {
  const Bench b;
  CHECK(b.start(4, {{.id = "a", .tier = "2"},
                    {.id = "b", .tier = "1", .max_streams = "1"},
                    {.id = "c", .max_streams = "2"},
                    {.id = "d", .tier = "3"}}) == "ccba");
  CHECK(b.choose("t", {{.id = "e", .max_streams = "2", .load = "2"}}).at == -1);
  CHECK(b.choose("t", {}).at == -1);
}

TEST_CASE("what has run out does not count, and junk does no harm", "[engine_scripts]") {
  const Bench b;
  b.must({"ZADD", proto::engine_streams_key("a"), "1000", "long-gone"});
  b.must({"SET", proto::engine_streams_key("b"), "junk"});
  CHECK(b.start(3, {{.id = "a"}, {.id = "b"}}) == "aba");
  CHECK(b.load("a") == 2);
}

TEST_CASE("an engine settles between two starts", "[engine_scripts]") {
  const Bench b;
  const std::vector<Bid> bids{{.id = "a"}, {.id = "b"}, {.id = "c", .tier = "2"}};
  CHECK(b.choose("s1", bids, "60000").at == 0);
  CHECK(b.choose("s2", bids, "60000").at == 1);
  const auto choice = b.choose("s3", bids, "60000");
  CHECK(choice.at == -1);
  CHECK(choice.wait > 0);
  CHECK(choice.wait <= 60000);
}

TEST_CASE("an owner's renewal counts its stream, and its end takes it off", "[engine_scripts]") {
  const Bench b;
  const auto epoch = b.claim("w1").epoch;
  REQUIRE(b.renew("w1", epoch));
  REQUIRE(b.update("w1", epoch, {"engine_id", "a"}));
  CHECK(b.load("a") == 0);
  REQUIRE(b.renew("w1", epoch));
  CHECK(b.load("a") == 1);
  CHECK(b.number({"PTTL", proto::engine_streams_key("a")}) <= 30000);
  REQUIRE(b.renew("w2", epoch));  // no owner: nothing to count
  CHECK(b.load("a") == 1);
  REQUIRE(
      b.eval(proto::kFinishTeardownScript,
             {b.keys.owner(), b.keys.metadata(), b.keys.buffer_index(), b.keys.clients(),
              b.keys.last_client_disconnect_time(), proto::active_streams_key(), b.keys.aliases()},
             {"w1", epoch, b.id, b.keys.events(), "1", "1", b.keys.chunk_prefix(),
              b.keys.stage_prefix({std::stoull(epoch)}), b.keys.client_prefix(),
              proto::engine_prefix(), proto::alias_prefix()}));
  CHECK(b.load("a") == 0);
}

TEST_CASE("entries that never end count on no engine", "[engine_scripts]") {
  const Bench b;
  b.must({"ZADD", proto::engine_streams_key("a"), "inf", "junk", "9e15", "leftover"});
  const auto loads = b.eval(proto::kEngineLoadsScript, {}, {proto::engine_prefix(), "a"});
  REQUIRE(loads);
  CHECK(loads->elements.at(0).as_integer() == 0);
  CHECK(b.choose("s", {{.id = "a", .max_streams = "1"}}).at == 0);
  CHECK(b.load("a") == 1);
}

TEST_CASE("an engine is waited for no longer than it settles", "[engine_scripts]") {
  const Bench b;
  b.must({"SET", proto::engine_prefix() + "a:started", "junk", "PX", "99999999"});
  const auto choice = b.choose("s", {{.id = "a"}}, "700");
  CHECK(choice.at == -1);
  CHECK(choice.wait <= 700);
}

TEST_CASE("a film's engine is held no longer than a lease by whoever is not there",
          "[engine_scripts]") {
  const Bench b;
  const auto key = proto::film_key(proto::StreamId::parse(b.id).value(), "a");
  b.must({"SET", key, "junk"});
  const auto held =
      b.eval(proto::kHoldFilmScript, {key}, {"session", "30000", proto::engine_prefix(), "a"});
  CHECK(held->as_integer() == 0);
  CHECK(b.number({"PTTL", key}) > 0);
}
