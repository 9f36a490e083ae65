#include "workers/films/film_row.h"

#include <catch2/catch.hpp>

using namespace ace;
using films::plays_film;
using films::reader_of;

namespace {

const auto kFilm = *proto::StreamId::parse("00000000000000000000000000000000000f1100");

proto::StreamRecord session() {
  proto::StreamRecord record;
  record.content_id = kFilm.text();
  record.playback_url = "http://127.0.0.1:6878/content/1";
  return record;
}

proto::ClientRecord reader() {
  return {.id = {"c1"},
          .address = "192.0.2.7:51234",
          .agent = "VLC\t3",
          .worker = proto::WorkerId{"host:7"},
          .connected_at = 1763800000.5,
          .figures = {.last_active = 1763800001, .bytes_sent = 42}};
}

host::StreamView row(std::string text) {
  host::StreamView view;
  view.kind = host::StreamKind::Film;
  view.session = std::move(text);
  return view;
}

}  // namespace

TEST_CASE("a film's row tells the film and who reads it", "[film_row]") {
  const auto read = row(films::to_text(session(), reader()));
  CHECK(plays_film(read, kFilm));
  CHECK_FALSE(plays_film(read, proto::StreamId{}));
  const auto who = reader_of(read);
  REQUIRE(who);
  CHECK(who->id.value == "c1");
  CHECK(who->address == "192.0.2.7:51234");
  CHECK(who->agent == "VLC 3");  // a line's tab is no agent's
  CHECK(who->worker.value == "host:7");
  CHECK(who->connected_at == 1763800000.5);
  CHECK(who->figures.bytes_sent == 42);
  CHECK_FALSE(reader_of(row(films::to_text(session(), std::nullopt))));
}

TEST_CASE("a film's session is told of where its reader has no room", "[film_row]") {
  auto large = session();
  large.stat_url = std::string(3'600, 'x');
  auto talkative = reader();
  talkative.agent = std::string(8'000, 'y');
  talkative.address = std::string(300, 'z');
  const auto told = row(films::to_text(large, talkative));
  CHECK(plays_film(told, kFilm));
  CHECK_FALSE(reader_of(told));
}

TEST_CASE("a live stream is no film", "[film_row]") {
  auto live = row(films::to_text(session(), reader()));
  live.kind = host::StreamKind::Live;
  CHECK_FALSE(plays_film(live, kFilm));
}
