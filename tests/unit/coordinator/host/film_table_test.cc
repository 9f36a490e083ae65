#include "coordinator/host/film_table.h"

#include <catch2/catch.hpp>

#include "tests/unit/coordinator/host/host_world.h"

using namespace ace::host;
using namespace std::chrono_literals;
using ace::test::Host;
using ace::test::stream;

TEST_CASE("a film is played by one worker, and by another when that is gone", "[film_table]") {
  Host host;
  auto& films = host.memory->films();
  const auto now = ace::SystemClock{}.now();
  const auto a = host.start(0);
  const auto b = host.start(1);
  for (const auto& worker : {a, b}) {
    host.board().slots[worker.slot].beat_ns = now.time_since_epoch().count();
  }
  CHECK_FALSE(films.player_of(host.board(), stream(1), b, now));
  films.note(stream(1), a, now);
  CHECK(films.is_film(stream(1), now));
  CHECK(films.player_of(host.board(), stream(1), b, now) == a);
  host.board().slots[0].phase = WorkerPhase::Draining;
  CHECK(films.player_of(host.board(), stream(1), b, now) == b);
  host.board().slots[0].phase = WorkerPhase::Serving;
  CHECK(films.player_of(host.board(), stream(1), a, now) == b);  // its sessions are there by now
  host.board().close_slot(1);
  CHECK(films.player_of(host.board(), stream(1), a, now) == a);
}

TEST_CASE("what is known of a film is forgotten when nobody asks", "[film_table]") {
  Host host;
  auto& films = host.memory->films();
  const auto a = host.start(0);
  const auto now = ace::SystemClock{}.now();
  films.note(stream(1), a, now);
  films.describe(stream(1), {.size = 7, .content_type = "video/mp4"});
  CHECK(films.facts_of(stream(1), now)->size == 7);
  CHECK(films.facts_of(stream(1), now)->content_type == "video/mp4");
  CHECK(films.player_of(host.board(), stream(1), a, now + FilmTable::kKeep - 1s));
  CHECK(films.is_film(stream(1), now + FilmTable::kKeep + 1s));  // somebody asked
  CHECK_FALSE(films.is_film(stream(1), now + 2 * FilmTable::kKeep));
  films.note(stream(2), a, now);
  films.forget(stream(2));
  CHECK_FALSE(films.is_film(stream(2), now));
}

TEST_CASE("more films than the table holds: the one asked for longest ago goes", "[film_table]") {
  Host host;
  auto& films = host.memory->films();
  const auto a = host.start(0);
  auto now = ace::SystemClock{}.now();
  for (std::size_t i = 0; i <= FilmTable::kMaxFilms; ++i) {
    films.note(stream(static_cast<int>(i)), a, now += 1ms);
  }
  CHECK_FALSE(films.is_film(stream(0), now));
  for (std::size_t i = 1; i <= FilmTable::kMaxFilms; ++i) {
    CHECK(films.is_film(stream(static_cast<int>(i)), now));
  }
}
