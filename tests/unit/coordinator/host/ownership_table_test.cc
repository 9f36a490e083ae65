#include "coordinator/host/ownership_table.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>

#include <catch2/catch.hpp>

#include "tests/unit/coordinator/host/host_world.h"

using namespace ace::host;
using namespace std::chrono_literals;
using ace::proto::StreamId;
using ace::test::Host;
using ace::test::stream;

namespace {

void age_beat(Scoreboard& board, WorkerRef worker, std::chrono::milliseconds by) {
  board.slots[worker.slot].beat_ns -= std::chrono::nanoseconds{by}.count();
}

}  // namespace

TEST_CASE("a stream has one owner until it is released", "[ownership_table]") {
  Host host;
  const auto a = host.start(0);
  const auto b = host.start(1);
  CHECK(host.table().acquire(host.board(), stream(1), a)->owner == a);
  CHECK(host.table().acquire(host.board(), stream(1), b)->owner == a);
  host.table().release(host.board(), stream(1), b);  // not b's to release
  CHECK(host.table().acquire(host.board(), stream(1), b)->owner == a);
  host.table().release(host.board(), stream(1), a);
  CHECK_FALSE(host.table().find(host.board(), stream(1)).has_value());
  CHECK(host.table().acquire(host.board(), stream(1), b)->owner == b);
}

TEST_CASE("an owner passes its stream on with all that is told of it", "[ownership_table]") {
  Host host;
  const auto a = host.start(0);
  const auto b = host.start(1);
  REQUIRE(host.table().acquire(host.board(), stream(1), a));
  host.table().advance(stream(1), a, {3}, {30});
  host.table().describe(
      stream(1), a,
      {.phase = StreamPhase::Streaming, .engine_id = "e1", .infohash = {}, .session = "session"});
  CHECK_FALSE(host.table().pass_on(host.board(), stream(1), b, a));  // not b's to give
  REQUIRE(host.table().pass_on(host.board(), stream(1), a, b));
  const auto grant = host.table().acquire(host.board(), stream(1), a);
  CHECK(grant->owner == b);
  CHECK(grant->epoch.value == 3);
  CHECK(grant->index.value == 30);
  CHECK(grant->session == "session");
  CHECK_FALSE(host.table().pass_on(host.board(), stream(1), a, b));  // once
  host.board().close_slot(a.slot);
  CHECK_FALSE(host.table().pass_on(host.board(), stream(1), b, a));  // the heir is dead
  CHECK(host.table().acquire(host.board(), stream(1), b)->owner == b);
}

TEST_CASE("a dead owner's stream goes on where it stood", "[ownership_table]") {
  Host host;
  const auto a = host.start(0);
  const auto b = host.start(1);
  REQUIRE(host.table().acquire(host.board(), stream(1), a));
  host.table().set_viewers(host.board(), stream(1), b, 3);
  host.table().advance(stream(1), a, {7}, {42});
  host.board().close_slot(a.slot);
  const auto again = host.start(0);  // the slot's next worker is not the old one
  const auto grant = host.table().acquire(host.board(), stream(1), b);
  CHECK(grant->owner == b);
  CHECK(grant->epoch.value == 7);
  CHECK(grant->index.value == 42);
  CHECK(host.table().acquire(host.board(), stream(1), again)->owner == b);
}

TEST_CASE("an owner that stands still loses its stream, and is heard no more",
          "[ownership_table]") {
  Host host;
  const auto frozen = host.start(0);
  const auto b = host.start(1);
  REQUIRE(host.table().acquire(host.board(), stream(1), frozen));
  host.table().advance(stream(1), frozen, {7}, {42});
  age_beat(host.board(), frozen, OwnershipTable::kDeadBeat / 2);
  CHECK(host.table().acquire(host.board(), stream(1), b)->owner == frozen);
  age_beat(host.board(), frozen, OwnershipTable::kDeadBeat / 2);
  CHECK(host.table().acquire(host.board(), stream(1), b)->owner == b);

  // It comes back, believing.
  host.board().slots[frozen.slot].beat_ns = host.board().slots[b.slot].beat_ns.load();
  host.table().advance(stream(1), frozen, {9}, {99});
  host.table().describe(stream(1), frozen,
                        {.phase = {}, .engine_id = "old", .infohash = {}, .session = {}});
  host.table().release(host.board(), stream(1), frozen);
  const auto grant = host.table().acquire(host.board(), stream(1), frozen);
  CHECK(grant->owner == b);
  CHECK(grant->index.value == 42);
  CHECK(host.table().find(host.board(), stream(1))->engine_id.empty());
}

TEST_CASE("a client of a stream whose owner stands still goes to one that moves",
          "[ownership_table]") {
  Host host;
  const auto frozen = host.start(0);
  const auto b = host.start(1);
  REQUIRE(host.table().acquire(host.board(), stream(1), frozen));
  age_beat(host.board(), frozen, 2 * OwnershipTable::kDeadBeat);
  for (const bool owner_only : {true, false}) {
    const auto placed = host.table().place(host.board(), stream(1), b, owner_only);
    CHECK(placed->worker == b);
    CHECK(placed->is_owner);
  }
}

TEST_CASE("an orphan is a stream whose owner died and that nobody watches", "[ownership_table]") {
  Host host;
  const auto a = host.start(0);
  const auto b = host.start(1);
  for (int i = 1; i <= 3; ++i) REQUIRE(host.table().acquire(host.board(), stream(i), a));
  REQUIRE(host.table().acquire(host.board(), stream(4), b));
  host.table().set_viewers(host.board(), stream(1), a, 1);
  host.table().set_viewers(host.board(), stream(2), b, 1);
  host.table().release(host.board(), stream(3), a);
  CHECK(host.table().orphans(host.board()).empty());
  host.board().close_slot(a.slot);
  // Its own viewers died with it; the second stream's heir will look by itself.
  CHECK(host.table().orphans(host.board()) == std::vector{stream(1)});
  REQUIRE(host.table().acquire(host.board(), stream(1), b));
  CHECK(host.table().orphans(host.board()).empty());
}

TEST_CASE("the caretaker is the lowest slot that serves and moves", "[scoreboard]") {
  Host host;
  auto& board = host.board();
  CHECK_FALSE(board.is_caretaker({.slot = 0, .generation = 1}));
  const auto starting = board.open_slot(0);
  const auto frozen = host.start(1);
  const auto b = host.start(2);
  const auto c = host.start(3);
  age_beat(board, frozen, 2 * kFreshBeat);
  CHECK_FALSE(board.is_caretaker(starting));
  CHECK_FALSE(board.is_caretaker(frozen));
  CHECK(board.is_caretaker(b));
  CHECK_FALSE(board.is_caretaker(c));
  board.close_slot(b.slot);
  CHECK_FALSE(board.is_caretaker(b));
  CHECK(board.is_caretaker(c));
}

TEST_CASE("the next owner learns of the engine session, until the stream is released",
          "[ownership_table]") {
  Host host;
  const auto a = host.start(0);
  const auto b = host.start(1);
  REQUIRE(host.table().acquire(host.board(), stream(1), a));
  host.table().set_viewers(host.board(), stream(1), b, 1);
  const auto tell = [&](WorkerRef who, const std::string& session) {
    host.table().describe(
        stream(1), who,
        {.phase = StreamPhase::Streaming, .engine_id = "", .infohash = "", .session = session});
  };
  const auto known = [&](WorkerRef who) {
    return host.table().acquire(host.board(), stream(1), who)->session;
  };
  tell(a, std::string(OwnershipTable::kMaxSession, 's'));
  CHECK(known(a).size() == OwnershipTable::kMaxSession);
  tell(a, std::string(OwnershipTable::kMaxSession + 1, 's'));
  CHECK(known(a).empty());  // half of it would be worse than none
  tell(a, "the session");
  tell(b, "another");  // not the owner
  host.board().close_slot(a.slot);
  CHECK(known(b) == "the session");
  host.table().release(host.board(), stream(1), b);
  CHECK(known(b).empty());
}

TEST_CASE("an infohash leads to the stream that plays it, unless it has one of its own",
          "[ownership_table]") {
  Host host;
  const auto a = host.start(0);
  const auto by_content = stream(1);
  const auto by_infohash = stream(2);
  CHECK(host.table().played_as(by_infohash) == by_infohash);
  REQUIRE(host.table().acquire(host.board(), by_content, a));
  CHECK(host.table().played_as(by_infohash) == by_infohash);  // no engine has told yet
  host.table().describe(by_content, a,
                        {.phase = StreamPhase::Streaming,
                         .engine_id = "e",
                         .infohash = std::string{by_infohash.text()},
                         .session = ""});
  CHECK(host.table().played_as(by_infohash) == by_content);
  CHECK(host.table().played_as(by_content) == by_content);
  CHECK(host.table().played_as(stream(3)) == stream(3));

  REQUIRE(host.table().acquire(host.board(), by_infohash, a));
  CHECK(host.table().played_as(by_infohash) == by_infohash);
  host.table().release(host.board(), by_infohash, a);
  host.table().release(host.board(), by_content, a);
  CHECK(host.table().played_as(by_infohash) == by_infohash);
}

TEST_CASE("who is told an infohash first plays it, on a host", "[ownership_table]") {
  Host host;
  const auto a = host.start(0);
  const auto b = host.start(1);
  const auto older = stream(1);
  const auto younger = stream(2);
  const auto infohash = stream(3);
  REQUIRE(host.table().acquire(host.board(), older, a));
  REQUIRE(host.table().acquire(host.board(), younger, b));
  const auto play = [&](const ace::proto::StreamId& id, WorkerRef self) {
    return host.table().play_infohash(host.board(), id, self, infohash);
  };
  CHECK(play(older, b) == older);  // not its owner: nothing is written
  CHECK(host.table().played_as(infohash) == infohash);
  CHECK(play(older, a) == older);
  CHECK(play(older, a) == older);
  CHECK(host.table().played_as(infohash) == older);
  CHECK(play(younger, b) == older);
  SECTION("until it is given up") {
    host.table().release(host.board(), older, a);
    CHECK(play(younger, b) == younger);
    CHECK(host.table().played_as(infohash) == younger);
  }
  SECTION("until its owner has died") {
    host.board().close_slot(a.slot);
    CHECK(play(younger, b) == younger);
  }
}

TEST_CASE("a name leads to the stream that it turned out to be", "[ownership_table]") {
  Host host;
  const auto a = host.start(0);
  const auto played = stream(1);
  const auto name = stream(2);
  host.table().add_name(played, name);
  CHECK(host.table().played_as(name) == name);  // nobody plays or watches it here
  REQUIRE(host.table().acquire(host.board(), played, a));
  host.table().add_name(played, played);
  host.table().add_name(played, name);
  CHECK(host.table().played_as(name) == played);
  CHECK(host.table().played_as(played) == played);

  SECTION("also while what had the name is still being taken apart") {
    REQUIRE(host.table().acquire(host.board(), name, a));
    CHECK(host.table().played_as(name) == played);
    SECTION("but not once that plays an infohash of its own") {
      CHECK(host.table().play_infohash(host.board(), name, a, stream(9)) == name);
      CHECK(host.table().played_as(name) == name);
    }
  }
  SECTION("names never lead in circles: the newest word counts") {
    REQUIRE(host.table().acquire(host.board(), name, a));
    host.table().add_name(name, played);
    CHECK(host.table().played_as(played) == name);
    CHECK(host.table().played_as(name) == name);
  }
  SECTION("of many the newest stay") {
    for (int i = 10; i < 10 + static_cast<int>(OwnershipTable::kMaxNames); ++i) {
      host.table().add_name(played, stream(i));
    }
    CHECK(host.table().played_as(name) == name);
    CHECK(host.table().played_as(stream(10)) == played);
  }
  SECTION("the stream's end is the end of its names") {
    host.table().release(host.board(), played, a);
    CHECK(host.table().played_as(name) == name);
    REQUIRE(host.table().acquire(host.board(), played, a));
    CHECK(host.table().played_as(name) == name);
  }
}

TEST_CASE("requests for a cold stream meet at one worker", "[ownership_table]") {
  Host host;
  const auto a = host.start(0);
  const auto b = host.start(1);
  const auto first = host.table().place(host.board(), stream(1), a, false);
  const auto second = host.table().place(host.board(), stream(1), b, false);
  CHECK(first->worker == a);
  CHECK(first->is_owner);
  CHECK(second->worker == a);
  CHECK(host.board().slots[a.slot].clients == 1);
  CHECK(host.board().slots[b.slot].placing[a.slot] == 1);
  OwnershipTable::counted_elsewhere(host.board(), b, a);
  CHECK(host.board().slots[b.slot].placing[a.slot] == 0);
}

TEST_CASE("clients on their way count: two acceptors do not fill the same third", "[placement]") {
  Host host;
  std::vector<WorkerRef> all;
  for (std::uint32_t slot = 0; slot < 4; ++slot) all.push_back(host.start(slot));
  std::map<std::uint32_t, int> chosen;
  for (int i = 0; i < 400; ++i) {
    const auto placed = host.table().place(host.board(), stream(1), all[i % 2 ? 0 : 1], false);
    ++chosen[placed->worker.slot];
  }
  for (const auto& [slot, count] : chosen) {
    CAPTURE(slot);
    CHECK(count <= 125);
    CHECK(count >= 75);
  }
}

TEST_CASE("without Redis every client of a stream goes to its owner", "[placement]") {
  Host host;
  const auto a = host.start(0);
  const auto b = host.start(1);
  for (int i = 0; i < 100; ++i) {
    const auto placed = host.table().place(host.board(), stream(1), i % 2 ? a : b, true);
    CHECK(placed->worker == b);
  }
}

TEST_CASE("viewers of dead workers do not count, and free their entry", "[ownership_table]") {
  Host host;
  const auto a = host.start(0);
  const auto b = host.start(1);
  REQUIRE(host.table().acquire(host.board(), stream(1), a));
  host.table().set_viewers(host.board(), stream(1), a, 2);
  host.table().set_viewers(host.board(), stream(1), b, 3);
  CHECK(host.table().find(host.board(), stream(1))->viewers == 5);
  host.board().close_slot(a.slot);
  CHECK(host.table().find(host.board(), stream(1))->viewers == 3);
  host.table().set_viewers(host.board(), stream(1), b, 0);
  CHECK(host.table().list(host.board()).empty());
}

TEST_CASE("a full table refuses, and has room again when streams end", "[ownership_table]") {
  Host host;
  const auto a = host.start(0);
  for (int i = 0; i < static_cast<int>(OwnershipTable::kMaxStreams); ++i) {
    host.table().remember_played(stream(i));
    REQUIRE(host.table().acquire(host.board(), stream(i), a));
  }
  host.table().remember_played(stream(5000));
  const auto refused = host.table().acquire(host.board(), stream(5000), a);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ace::Errc::Busy);
  host.table().release(host.board(), stream(77), a);
  CHECK(host.table().acquire(host.board(), stream(5000), a).has_value());
}

TEST_CASE("ids that nobody has heard of leave places to those that have played",
          "[ownership_table]") {
  Host host;
  const auto a = host.start(0);
  host.table().remember_played(stream(9'999));
  int taken = 0;
  while (host.table().acquire(host.board(), stream(taken), a)) ++taken;
  CHECK(taken == static_cast<int>(OwnershipTable::kMaxStreams - OwnershipTable::kReserved));
  CHECK(host.table().place(host.board(), stream(9'998), a, false).error().code == ace::Errc::Busy);
  CHECK(host.table().place(host.board(), stream(9'999), a, false)->is_owner);
  CHECK(host.table().place(host.board(), stream(7), a, false)->is_owner);  // it runs
}

TEST_CASE("of the ids that have played the last ones are known", "[ownership_table]") {
  Host host;
  const auto a = host.start(0);
  const Starter starter{.key = 1, .most_starts = 1};
  const auto most = static_cast<int>(OwnershipTable::kMaxPlayed);
  for (int i = 0; i <= most; ++i) {
    host.table().remember_played(stream(i));
    host.table().remember_played(stream(i));  // is one
  }
  REQUIRE(host.table().place(host.board(), stream(100'000), a, false, starter));
  CHECK(host.table().place(host.board(), stream(1), a, false, starter));
  CHECK_FALSE(host.table().place(host.board(), stream(0), a, false, starter));
}

TEST_CASE("an address starts so many streams at once, and no more", "[placement]") {
  Host host;
  const auto a = host.start(0);
  const auto b = host.start(1);
  const Starter starter{.key = 4711, .most_starts = 3};
  const auto place = [&](int number, const Starter& who) {
    const auto placed = host.table().place(host.board(), stream(number), a, false, who);
    if (!placed) CHECK(placed.error().code == ace::Errc::Refused);
    return placed.has_value();
  };
  for (int i = 1; i <= 3; ++i) REQUIRE(place(i, starter));
  CHECK_FALSE(place(4, starter));
  CHECK_FALSE(host.table().find(host.board(), stream(4)));  // and it took no place

  SECTION("streams that start already are everybody's") {
    CHECK(place(1, starter));
    CHECK(place(4, {.key = 4712, .most_starts = 3}));
    CHECK(place(4, starter));
  }
  SECTION("without a limit there is none") { CHECK(place(4, {.key = 4711, .most_starts = 0})); }
  SECTION("one that plays is no start any more") {
    host.table().remember_played(stream(2));
    CHECK(place(4, starter));
    CHECK_FALSE(place(5, starter));
  }
  SECTION("one that failed, or was given up, is none either") {
    host.table().remember_failure(host.board(), stream(2), ace::SystemClock{}.now() + 1h, "why");
    CHECK(place(4, starter));
    host.table().release(host.board(), stream(3),
                         host.table().find(host.board(), stream(3))->owner);
    CHECK(place(5, starter));
  }
  SECTION("nor one whose worker died") {
    for (const auto worker : {a, b}) host.board().close_slot(worker.slot);
    host.start(0);
    CHECK(place(4, starter));
  }
}

TEST_CASE("a worker that stands still gets no new client", "[placement]") {
  Host host;
  const auto a = host.start(0);
  const auto hung = host.start(1);
  age_beat(host.board(), hung, std::chrono::seconds{5});
  for (int i = 0; i < 20; ++i) {
    CHECK(host.table().place(host.board(), stream(i), a, false)->worker == a);
  }
}

TEST_CASE("the table outlives a process that died inside its lock", "[ownership_table]") {
  // The robust mutex alone can be seen from outside: a child takes it and ends without unlocking.
  void* memory = ::mmap(nullptr, sizeof(RobustMutex), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  auto* mutex = new (memory) RobustMutex;
  mutex->init();
  const pid_t child = ::fork();
  if (child == 0) {
    mutex->lock();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  mutex->lock();
  mutex->unlock();
  mutex->lock();
  mutex->unlock();
  ::munmap(memory, sizeof(RobustMutex));
}
