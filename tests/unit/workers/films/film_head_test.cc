#include "workers/films/film_head.h"

#include <catch2/catch.hpp>

using ace::curl::ResponseHead;
using ace::films::parse_film_head;

namespace {

ResponseHead head(int status) {
  ResponseHead head;
  head.status = status;
  head.content_type = "video/mp4";
  return head;
}

}  // namespace

TEST_CASE("a whole film has the length that its engine says, if any", "[film_head]") {
  auto answer = head(200);
  answer.content_length = "100";
  const auto film = parse_film_head(answer);
  REQUIRE(film);
  CHECK(film->size == 100U);
  CHECK(film->first() == 0);
  CHECK(film->end() == 100U);
  CHECK_FALSE(film->takes_ranges);
  for (const auto* nonsense : {"", "-1", "1e3", "100 ", "99999999999999999999"}) {
    answer.content_length = nonsense;
    CHECK_FALSE(parse_film_head(answer)->end());
  }
}

TEST_CASE("a part that contradicts itself is no answer", "[film_head]") {
  auto answer = head(206);
  answer.content_range = "bytes 10-19/100";
  CHECK(parse_film_head(answer)->length == 10U);
  answer.content_length = "10";
  const auto film = parse_film_head(answer);
  REQUIRE(film);
  CHECK(film->first() == 10);
  CHECK(film->end() == 20U);
  CHECK(film->size == 100U);
  CHECK(film->takes_ranges);
  answer.content_length = "11";
  CHECK_FALSE(parse_film_head(answer));
  answer.content_length = "10";
  answer.content_range = "";
  CHECK_FALSE(parse_film_head(answer));
}

TEST_CASE("what lies behind a film's end tells its size", "[film_head]") {
  auto answer = head(416);
  answer.content_range = "bytes */100";
  answer.content_length = "7";  // of words that are not passed on
  const auto film = parse_film_head(answer);
  REQUIRE(film);
  CHECK(film->length == 0U);
  CHECK(film->size == 100U);
}

TEST_CASE("other answers are refusals", "[film_head]") {
  for (const int status : {100, 204, 302, 404, 500}) {
    const auto film = parse_film_head(head(status));
    REQUIRE_FALSE(film);
    CHECK(film.error().code == ace::Errc::Refused);
  }
}

TEST_CASE("only a plain type is passed on", "[film_head]") {
  auto answer = head(200);
  CHECK(parse_film_head(answer)->content_type == "video/mp4");
  for (const auto& odd :
       {std::string{"video"}, std::string{"a/b\r\nX: y"}, "a/" + std::string(99, 'x')}) {
    answer.content_type = odd;
    CHECK(parse_film_head(answer)->content_type == "application/octet-stream");
  }
}
