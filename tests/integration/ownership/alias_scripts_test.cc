#include <string>

#include <catch2/catch.hpp>

#include "tests/integration/ownership/script_bench.h"

using namespace ace;
using test::ScriptBench;

namespace {

const std::string kInfohash(40, 'f');
const std::string kOther(40, 'b');

std::string alias_of(const std::string& name) { return proto::alias_prefix() + name; }

struct AliasBench : ScriptBench {
  std::string announce(const std::string& self, const std::string& epoch,
                       const std::string& infohash = kInfohash) const {
    const auto reply = eval(
        proto::kAliasScript, {keys.owner(), keys.metadata(), alias_of(infohash), keys.aliases()},
        {self, epoch, "60000", id, infohash, proto::alias_prefix(), proto::stream_prefix()});
    return std::string{reply.value().as_text().value()};
  }
  std::int64_t finish(const std::string& self, const std::string& epoch) const {
    return eval(proto::kFinishTeardownScript,
                {keys.owner(), keys.metadata(), keys.buffer_index(), keys.clients(),
                 keys.last_client_disconnect_time(), proto::active_streams_key(), keys.aliases()},
                {self, epoch, id, keys.events(), "1", "1", keys.chunk_prefix(),
                 keys.stage_prefix({std::stoull(epoch)}), keys.client_prefix(),
                 proto::engine_prefix(), proto::alias_prefix()})
        .value()
        .as_integer()
        .value();
  }
  /// Another stream that plays the infohash.
  void play(const std::string& other) const {
    const proto::StreamKeys theirs{proto::StreamId::parse(other).value()};
    must({"SET", theirs.owner(), "w9"});
    must({"HSET", theirs.metadata(), "infohash", kInfohash, "state", "active"});
    must({"SET", alias_of(kInfohash), other});
  }
  proto::StreamKeys others{proto::StreamId::parse(kOther).value()};
};

}  // namespace

TEST_CASE("an infohash leads to the stream that plays it, for as long as that lasts", "[scripts]") {
  const AliasBench b;
  const auto epoch = b.claim("w1").epoch;
  CHECK(b.announce("w1", epoch) == b.id);
  CHECK(b.text({"GET", alias_of(kInfohash)}) == b.id);
  CHECK(b.number({"SISMEMBER", b.keys.aliases(), kInfohash}) == 1);
  CHECK(b.number({"PTTL", alias_of(kInfohash)}) > 0);
  CHECK(b.number({"PTTL", b.keys.aliases()}) > 0);
  CHECK(b.announce("w1", epoch) == b.id);

  b.must({"PEXPIRE", alias_of(kInfohash), "20000"});
  b.must({"PEXPIRE", b.keys.aliases(), "20000"});
  REQUIRE(b.renew("w1", epoch));
  CHECK(b.number({"PTTL", alias_of(kInfohash)}) > 20000);
  CHECK(b.number({"PTTL", b.keys.aliases()}) > 20000);
  b.must({"DEL", alias_of(kInfohash)});
  REQUIRE(b.renew("w1", epoch));
  CHECK(b.text({"GET", alias_of(kInfohash)}) == b.id);
  CHECK(b.number({"PTTL", alias_of(kInfohash)}) > 0);

  CHECK(b.finish("w1", epoch) == 1);
  CHECK(b.number({"EXISTS", alias_of(kInfohash), b.keys.aliases()}) == 0);
}

TEST_CASE("only an owner announces, under its epoch", "[scripts]") {
  const AliasBench b;
  const auto epoch = b.claim("w1").epoch;
  CHECK(b.announce("w2", epoch).empty());
  CHECK(b.announce("w1", "17").empty());
  CHECK(b.number({"EXISTS", alias_of(kInfohash), b.keys.aliases()}) == 0);
}

TEST_CASE("the younger of two streams of one infohash leads to the older one", "[scripts]") {
  const AliasBench b;
  const auto epoch = b.claim("w1").epoch;
  b.play(kOther);
  CHECK(b.announce("w1", epoch) == kOther);
  CHECK(b.text({"GET", alias_of(b.id)}) == kOther);
  CHECK(b.number({"PTTL", alias_of(b.id)}) > 0);
  CHECK(b.number({"SISMEMBER", b.others.aliases(), b.id}) == 1);
  CHECK(b.number({"PTTL", b.others.aliases()}) > 0);
  CHECK(b.text({"GET", alias_of(kInfohash)}) == kOther);
  // Its own end is not theirs.
  CHECK(b.finish("w1", epoch) == 1);
  CHECK(b.text({"GET", alias_of(b.id)}) == kOther);
}

TEST_CASE("an alias of a stream that plays no more is taken over", "[scripts]") {
  const AliasBench b;
  const auto epoch = b.claim("w1").epoch;
  b.play(kOther);
  SECTION("it has no owner") { b.must({"DEL", b.others.owner()}); }
  SECTION("it has no record") { b.must({"DEL", b.others.metadata()}); }
  SECTION("it is ending") { b.must({"HSET", b.others.metadata(), "state", "stopping"}); }
  SECTION("it failed") { b.must({"HSET", b.others.metadata(), "state", "error"}); }
  SECTION("it is something else") { b.must({"HSET", b.others.metadata(), "infohash", b.id}); }
  SECTION("it is junk") {
    b.must({"DEL", alias_of(kInfohash)});
    b.must({"RPUSH", alias_of(kInfohash), "junk"});
    b.must({"SET", b.keys.aliases(), "junk"});
  }
  b.must({"SET", alias_of(b.id), kOther});
  CHECK(b.announce("w1", epoch) == b.id);
  CHECK(b.text({"GET", alias_of(kInfohash)}) == b.id);
  CHECK(b.number({"EXISTS", alias_of(b.id)}) == 0);  // or the two would lead in a circle
}

TEST_CASE("what leads to another stream by now is neither renewed nor deleted", "[scripts]") {
  const AliasBench b;
  const auto epoch = b.claim("w1").epoch;
  CHECK(b.announce("w1", epoch) == b.id);
  b.must({"SET", alias_of(kInfohash), kOther, "PX", "20000"});
  SECTION("renewal") {
    REQUIRE(b.renew("w1", epoch));
    CHECK(b.number({"PTTL", alias_of(kInfohash)}) <= 20000);
    CHECK(b.number({"SCARD", b.keys.aliases()}) == 0);
  }
  SECTION("the end") { CHECK(b.finish("w1", epoch) == 1); }
  SECTION("the end, where it is junk") {
    b.must({"DEL", alias_of(kInfohash)});
    b.must({"RPUSH", alias_of(kInfohash), kOther});
    CHECK(b.finish("w1", epoch) == 1);
    CHECK(b.number({"EXISTS", alias_of(kInfohash)}) == 1);
    return;
  }
  CHECK(b.text({"GET", alias_of(kInfohash)}) == kOther);
}

TEST_CASE("a set of aliases that is junk stops neither renewal nor end", "[scripts]") {
  const AliasBench b;
  const auto epoch = b.claim("w1").epoch;
  b.must({"SET", b.keys.aliases(), "junk"});
  SECTION("renewal") { CHECK(b.renew("w1", epoch).value().elements.at(0).as_integer() == 1); }
  SECTION("the end") { CHECK(b.finish("w1", epoch) == 1); }
}
