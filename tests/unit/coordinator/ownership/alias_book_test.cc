#include "coordinator/ownership/alias_book.h"

#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include "proto/redis/redis_scripts.h"
#include "tests/support/clock/manual_clock.h"
#include "tests/unit/coordinator/ownership/fake_commands.h"

using namespace ace;
using namespace std::chrono_literals;
using ownership::AliasBook;
using test::text;

namespace {

const std::string kOwn(40, 'a');
const std::string kOther(40, 'b');
const std::string kInfohash(40, 'c');

proto::StreamId id_of(const std::string& digits) { return proto::StreamId::parse(digits).value(); }

struct Bench {
  std::optional<proto::StreamId> look_up(Result<redis::Reply> reply) {
    book->look_up();
    const auto call = commands.answer("", std::move(reply));
    CHECK(call.args == std::vector<std::string>{"GET", "ace_proxy:alias:" + kOwn});
    return book->take_found();
  }
  void announce() {
    book->announce({500}, id_of(kInfohash), [this](const proto::StreamId& id) { other = id; });
  }

  test::ManualClock clock;
  test::FakeCommands commands;
  std::optional<proto::StreamId> other;
  std::optional<AliasBook> book{std::in_place, id_of(kOwn), proto::WorkerId{"w1"},
                                commands,      clock,       60s};
};

}  // namespace

TEST_CASE("an alias is another stream's id, or nothing", "[alias_book]") {
  Bench b;
  CHECK(b.look_up(text(kOther)) == id_of(kOther));
  CHECK_FALSE(b.book->take_found());  // once
  CHECK_FALSE(b.look_up(text(kOwn)));
  CHECK_FALSE(b.look_up(text("junk")));
  CHECK_FALSE(b.look_up(redis::Reply{}));
  CHECK_FALSE(b.look_up(fail(Errc::Timeout, "slow")));
}

TEST_CASE("who came by another name is not sent on", "[alias_book]") {
  Bench b;
  b.book->settle();
  b.book->look_up();
  CHECK(b.commands.pending() == 0);
}

TEST_CASE("an owner hears of an older stream of its infohash", "[alias_book]") {
  Bench b;
  b.announce();
  CHECK(b.book->is_asking());
  const auto call = b.commands.answer(proto::kAliasScript, text(kOther));
  CHECK(call.keys.at(2) == "ace_proxy:alias:" + kInfohash);
  CHECK(call.args.at(1) == "500");
  CHECK(call.args.at(3) == kOwn);
  CHECK(call.args.at(4) == kInfohash);
  CHECK(b.other == id_of(kOther));
  CHECK_FALSE(b.book->is_asking());
}

TEST_CASE("an owner goes on when it plays the infohash itself, or nobody knows", "[alias_book]") {
  Bench b;
  b.announce();
  SECTION("its own") { b.commands.answer(proto::kAliasScript, text(kOwn)); }
  SECTION("not the owner any more") { b.commands.answer(proto::kAliasScript, text("")); }
  SECTION("an error") { b.commands.answer(proto::kAliasScript, fail(Errc::Closed, "gone")); }
  SECTION("the book is closed by then") {
    b.book.reset();
    b.commands.answer(proto::kAliasScript, text(kOther));
  }
  CHECK_FALSE(b.other);
  CHECK((!b.book || !b.book->is_asking()));
}

TEST_CASE("viewers do not wait for a Redis that is slow to tell", "[alias_book]") {
  Bench b;
  b.announce();
  b.clock.advance(AliasBook::kPatience);
  CHECK_FALSE(b.book->is_asking());
  b.announce();
  b.commands.answer(proto::kAliasScript, text(kOwn));
  CHECK(b.book->is_asking());  // the second one
}
