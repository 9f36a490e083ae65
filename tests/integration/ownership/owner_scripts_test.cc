#include <catch2/catch.hpp>

#include "tests/integration/ownership/script_bench.h"

using namespace ace;
using test::ScriptBench;
using Strings = ScriptBench::Strings;

namespace {

std::int64_t code_of(const Result<redis::Reply>& reply) {
  REQUIRE(reply.has_value());
  const auto& code = reply->elements.empty() ? *reply : reply->elements[0];
  return code.as_integer().value();
}

std::int64_t finish(const ScriptBench& b, const std::string& self, const std::string& epoch,
                    const std::string& first, const std::string& last) {
  return code_of(
      b.eval(proto::kFinishTeardownScript,
             {b.keys.owner(), b.keys.metadata(), b.keys.buffer_index(), b.keys.clients(),
              b.keys.last_client_disconnect_time(), proto::active_streams_key(), b.keys.aliases()},
             {self, epoch, b.id, b.keys.events(), first, last, b.keys.chunk_prefix(),
              b.keys.stage_prefix({std::stoull(epoch)}), b.keys.client_prefix(),
              proto::engine_prefix(), proto::alias_prefix()}));
}

std::int64_t begin_teardown(const ScriptBench& b, const std::string& self, const std::string& epoch,
                            const std::string& force = "0") {
  return code_of(b.eval(proto::kBeginTeardownScript,
                        {b.keys.owner(), b.keys.metadata(), b.keys.clients()},
                        {self, epoch, "60000", b.keys.events(), force}));
}

}  // namespace

TEST_CASE("a free stream is won by who asks first", "[scripts]") {
  const ScriptBench b;
  const auto won = b.claim("w1");
  CHECK(won.is_granted);
  CHECK(won.index == 0);
  CHECK(std::stoull(won.epoch) > 1'600'000'000'000);  // the server's clock, in ms
  CHECK(b.text({"GET", b.keys.owner()}) == "w1");
  CHECK(b.number({"PTTL", b.keys.owner()}) <= 30000);
  CHECK(b.field("owner") == "w1");
  CHECK(b.field("epoch") == won.epoch);
  CHECK(b.field("state") == "initializing");
  CHECK(std::stod(b.field("init_time")) > 1'600'000'000);
  CHECK(b.number({"SISMEMBER", proto::active_streams_key(), b.id}) == 1);

  const auto lost = b.claim("w2");
  CHECK_FALSE(lost.is_granted);
  CHECK(lost.owner == "w1");
  CHECK(lost.epoch == won.epoch);
}

TEST_CASE("everything that a claim writes expires", "[scripts]") {
  const ScriptBench b;
  b.claim("w1");
  for (const auto& key :
       {b.keys.owner(), b.keys.metadata(), b.keys.buffer_index(), proto::active_streams_key()}) {
    CAPTURE(key);
    CHECK(b.number({"PTTL", key}) > 0);
  }
}

TEST_CASE("a stream is mine by the epoch I hold, never by the name", "[scripts]") {
  const ScriptBench b;
  const auto first = b.claim("w1");
  CHECK_FALSE(b.claim("w1").is_granted);
  CHECK_FALSE(b.claim("w2", first.epoch).is_granted);  // knows the epoch, does not hold it
  const auto again = b.claim("w1", first.epoch);
  CHECK(again.is_granted);
  CHECK(std::stoull(again.epoch) > std::stoull(first.epoch));
}

TEST_CASE("a dead worker's stream is free, and only that one's", "[scripts]") {
  const ScriptBench b;
  b.claim("w1");
  CHECK_FALSE(b.claim("w2", "0", "0", {"w3", "w4"}).is_granted);
  CHECK(b.claim("w2", "0", "0", {"w3", "w1"}).is_granted);
}

TEST_CASE("epochs and indices never go back", "[scripts]") {
  const ScriptBench b;
  const auto first = b.claim("w1", "9000000000000", "40");
  CHECK(first.epoch == "9000000000001");
  CHECK(first.index == 40);
  b.must({"DEL", b.keys.owner()});
  const auto second = b.claim("w2", "7", "3");
  CHECK(second.epoch == "9000000000002");
  CHECK(second.index == 40);
}

TEST_CASE("junk in any key of a stream is cleared by a claim", "[scripts]") {
  const ScriptBench b;
  for (const auto& key : {b.keys.owner(), b.keys.metadata(), b.keys.buffer_index(),
                          b.keys.clients(), proto::active_streams_key()}) {
    b.must({"RPUSH", key, "junk"});
  }
  CHECK(b.claim("w1").is_granted);
}

TEST_CASE("numbers that are none count as none", "[scripts]") {
  const ScriptBench b;
  const auto junk = GENERATE("abc", "-5", "1e300", "inf", "99999999999999999999", "");
  b.must({"SET", b.keys.buffer_index(), junk});
  b.must({"HSET", b.keys.metadata(), "epoch", junk});
  const auto won = b.claim("w1");
  CHECK(won.is_granted);
  CHECK(won.index == 0);
  CHECK(b.append("w1", won.epoch, 1).code == proto::CommitCode::Committed);
}

TEST_CASE("a renewal keeps all of the stream's keys", "[scripts]") {
  const ScriptBench b;
  const auto won = b.claim("w1");
  b.live("w2", "token").value();
  b.must({"SADD", b.keys.clients(), "c1", "c2"});
  for (const auto* client : {"c1", "c2"}) {
    b.must({"HSET", b.keys.client({client}), "worker", "w2"});
  }
  b.must({"PEXPIRE", b.keys.owner(), "999999"});  // a clock that was set back
  const auto renewed = b.renew("w1", won.epoch);
  CHECK(code_of(renewed) == 1);
  CHECK(renewed->elements.at(1).as_integer() == 2);
  CHECK(b.number({"PTTL", b.keys.owner()}) <= 30000);
  CHECK(b.number({"PTTL", b.keys.clients()}) > 0);
}

TEST_CASE("a lease that ran out is mine until somebody claims", "[scripts]") {
  const ScriptBench b;
  const auto won = b.claim("w1");
  b.must({"DEL", b.keys.owner()});
  CHECK(b.append("w1", won.epoch, 1).code == proto::CommitCode::Committed);
  CHECK(code_of(b.renew("w1", won.epoch)) == 1);
  CHECK(b.text({"GET", b.keys.owner()}) == "w1");
  b.must({"DEL", b.keys.owner()});
  b.claim("w2");
  const auto refused = b.renew("w1", won.epoch);
  CHECK(code_of(refused) == 0);
  CHECK(refused->elements.at(1).as_text() == "w2");
}

TEST_CASE("a renewal does not bring back what Redis forgot", "[scripts]") {
  const ScriptBench b;
  const auto won = b.claim("w1");
  b.must({"FLUSHALL"});
  CHECK(code_of(b.renew("w1", won.epoch)) == 0);
  CHECK(b.number({"DBSIZE"}) == 0);
}

TEST_CASE("metadata is written under the owner's epoch only", "[scripts]") {
  const ScriptBench b;
  const auto won = b.claim("w1");
  CHECK(code_of(b.update("w1", won.epoch, {"pid", "p1", "state", "active", "epoch", "1"})) == 1);
  CHECK(b.field("pid") == "p1");
  CHECK(b.field("state") == "active");
  CHECK(b.field("epoch") == won.epoch);
  CHECK(code_of(b.update("w2", won.epoch, {"pid", "p2"})) == 0);
  CHECK(code_of(b.update("w1", "5", {"pid", "p2"})) == 0);
  CHECK(b.field("pid") == "p1");
}

TEST_CASE("a stream stops only without clients, and then for good", "[scripts]") {
  const ScriptBench b;
  const auto won = b.claim("w1");
  b.must({"SADD", b.keys.clients(), "c1"});
  CHECK(begin_teardown(b, "w1", won.epoch) == 1);
  CHECK(b.field("state") == "initializing");
  b.must({"SREM", b.keys.clients(), "c1"});
  CHECK(begin_teardown(b, "w2", won.epoch) == -1);
  CHECK(begin_teardown(b, "w1", won.epoch) == 0);
  CHECK(begin_teardown(b, "w1", won.epoch) == 0);  // asked again
  b.update("w1", won.epoch, {"state", "active"});
  CHECK(b.field("state") == "stopping");
}

TEST_CASE("a stream that is forced to stop stops whoever watches", "[scripts]") {
  const ScriptBench b;
  const auto won = b.claim("w1");
  b.must({"SADD", b.keys.clients(), "c1"});
  CHECK(begin_teardown(b, "w2", won.epoch, "1") == -1);
  CHECK(begin_teardown(b, "w1", won.epoch, "1") == 0);
  CHECK(b.field("state") == "stopping");
}

TEST_CASE("a claimant takes a stopping stream over to finish it", "[scripts]") {
  const ScriptBench b;
  const auto first = b.claim("w1");
  begin_teardown(b, "w1", first.epoch);
  CHECK(b.claim("w2").is_stopping);
  const auto second = b.claim("w2", "0", "0", {"w1"});
  CHECK(second.is_granted);
  CHECK(second.is_stopping);
  CHECK(b.field("state") == "stopping");
  CHECK(finish(b, "w1", first.epoch, "1", "10") == 0);
  CHECK(finish(b, "w2", second.epoch, "1", "10") == 1);
  CHECK(b.number({"DBSIZE"}) == 0);
  CHECK_FALSE(b.claim("w3").is_stopping);
}

TEST_CASE("a finished teardown leaves nothing", "[scripts]") {
  const ScriptBench b;
  const auto won = b.claim("w1");
  for (std::uint64_t i = 1; i <= 5; ++i) b.append("w1", won.epoch, i);
  b.stage(won.epoch, 6, "not committed");
  b.must({"SADD", b.keys.clients(), "ghost"});
  b.must({"HSET", b.keys.client({"ghost"}), "address", "x"});
  b.must({"SET", b.keys.last_client_disconnect_time(), "1"});
  CHECK(finish(b, "w1", won.epoch, "1", "5") == 1);
  CHECK(b.number({"DBSIZE"}) == 0);
}

TEST_CASE("a release gives up the key and nothing else", "[scripts]") {
  const ScriptBench b;
  const auto won = b.claim("w1");
  const auto release = [&](const std::string& self) {
    return code_of(b.eval(proto::kReleaseScript, {b.keys.owner(), b.keys.metadata()},
                          {self, won.epoch, b.keys.events()}));
  };
  CHECK(release("w2") == 0);
  CHECK(release("w1") == 1);
  CHECK(b.number({"EXISTS", b.keys.owner()}) == 0);
  CHECK(b.field("epoch") == won.epoch);
  CHECK(b.claim("w2").is_granted);
}

TEST_CASE("a Redis without memory still claims, renews and deletes", "[scripts]") {
  const ScriptBench b;
  const auto won = b.claim("w1");
  b.append("w1", won.epoch, 1);
  b.must({"CONFIG", "SET", "maxmemory", "1"});
  CHECK(b.server.command({"SET", "x", "1"}).error().text.starts_with("OOM"));
  b.must({"DEL", b.keys.owner()});
  CHECK(code_of(b.renew("w1", won.epoch)) == 1);
  CHECK(code_of(b.update("w1", won.epoch, {"state", "active"})) == 1);
  CHECK(b.commit("w1", won.epoch, {2, 2}, true).code == proto::CommitCode::Committed);
  const auto taken = b.claim("w2", "0", "0", {"w1"});
  CHECK(taken.is_granted);
  CHECK(taken.index == 2);
  CHECK(finish(b, "w2", taken.epoch, "1", "2") == 1);
  CHECK(b.number({"DBSIZE"}) == 0);
}

TEST_CASE("a claim bounds the owner key that it finds", "[scripts]") {
  const ScriptBench b;
  SECTION("junk that never ends") { b.must({"SET", b.keys.owner(), "junk"}); }
  SECTION("of a clock that was set back") {
    b.must({"SET", b.keys.owner(), "far:1", "PX", "3600000"});
  }
  CHECK_FALSE(b.claim("w1").is_granted);
  CHECK(b.number({"PTTL", b.keys.owner()}) > 0);
  CHECK(b.number({"PTTL", b.keys.owner()}) <= 30000);
}

TEST_CASE("a claim lengthens nobody's lease", "[scripts]") {
  const ScriptBench b;
  b.must({"SET", b.keys.owner(), "w2", "PX", "500"});
  CHECK_FALSE(b.claim("w1").is_granted);
  CHECK(b.number({"PTTL", b.keys.owner()}) <= 500);
}

TEST_CASE("absurd epochs and indices are outlived", "[scripts]") {
  const ScriptBench b;
  const auto* const absurd = "999999999999999";
  b.must({"HSET", b.keys.metadata(), "epoch", absurd});
  b.must({"SET", b.keys.buffer_index(), absurd});
  const auto won = b.claim("w1", absurd, absurd);
  REQUIRE(won.is_granted);
  CHECK(won.index == 0);
  CHECK(b.append("w1", won.epoch, 1).code == proto::CommitCode::Committed);
  CHECK(code_of(b.renew("w1", won.epoch)) == 1);
}

TEST_CASE("a claim whose script failed half-way is found again by name and epoch", "[scripts]") {
  const ScriptBench b;
  // Which may publish nothing: the script fails at its last step.
  b.must({"ACL", "SETUSER", "default", "resetchannels"});
  CHECK_THROWS(b.claim("w1"));
  CHECK(b.text({"GET", b.keys.owner()}) == "w1");
  const auto epoch = b.field("epoch");
  CHECK(std::stoull(epoch) > 0);
  b.must({"ACL", "SETUSER", "default", "allchannels"});
  CHECK(b.claim("w1").epoch == epoch);
  CHECK(b.claim("w1", epoch).is_granted);
}

TEST_CASE("an owner key of mine without an epoch is mine", "[scripts]") {
  const ScriptBench b;
  b.must({"SET", b.keys.owner(), "w1"});
  CHECK_FALSE(b.claim("w2").is_granted);
  CHECK(b.claim("w1").is_granted);
}

TEST_CASE("records and workers' keys that never end are given an end", "[scripts]") {
  const ScriptBench b;
  const auto won = b.claim("w1");
  b.must({"SADD", b.keys.clients(), "c1"});
  b.must({"HSET", b.keys.client({"c1"}), "worker", "dead:1"});
  b.must({"HSET", proto::worker_key({"dead:1"}), "token", "t"});
  CHECK(b.renew("w1", won.epoch)->elements.at(1).as_integer() == 1);
  CHECK(b.number({"PTTL", proto::worker_key({"dead:1"})}) > 0);
  CHECK(b.number({"PTTL", b.keys.client({"c1"})}) > 0);
}
