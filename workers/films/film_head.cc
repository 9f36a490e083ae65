#include "workers/films/film_head.h"

#include <fmt/format.h>

#include <algorithm>

namespace ace::films {
namespace {

constexpr std::size_t kMostType = 63;

/// "video/x-matroska", with parameters at most; else what says nothing.
std::string type_of(const std::string& text) {
  const auto is_fit = [](char c) { return c >= ' ' && c < '\x7f'; };
  const bool is_type = text.size() <= kMostType && text.find('/') != std::string::npos &&
                       std::ranges::all_of(text, is_fit);
  return is_type ? text : "application/octet-stream";
}

}  // namespace

std::optional<std::uint64_t> FilmHead::end() const {
  if (part) return part->last + 1;
  return length;
}

Result<FilmHead> parse_film_head(const curl::ResponseHead& head) {
  if (head.status != 200 && head.status != 206 && head.status != 416) {
    return fail(Errc::Refused, fmt::format("headers: status {}", head.status));
  }
  FilmHead film{.status = head.status,
                .content_type = type_of(head.content_type),
                .length = proto::http::parse_length(head.content_length),
                .part = {},
                .size = {},
                .takes_ranges = head.status != 200 || head.accept_ranges == "bytes"};
  if (film.status == 200) film.size = film.length;
  if (film.status == 416) {
    film.length = 0;
    film.size = proto::http::parse_unsatisfied_range(head.content_range);
  }
  if (film.status != 206) return film;
  film.part = proto::http::parse_content_range(head.content_range);
  if (!film.part) return fail(Errc::Protocol, "headers: a part that does not say which");
  const auto length = film.part->last - film.part->first + 1;
  if (film.length.value_or(length) != length) {
    return fail(Errc::Protocol, "headers: a part of another length than it says");
  }
  film.length = length;
  film.size = film.part->total;
  return film;
}

}  // namespace ace::films
