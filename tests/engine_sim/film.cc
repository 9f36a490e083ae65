#include "tests/engine_sim/film.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "shared/base/bytes.h"

namespace ace::sim {
namespace {

constexpr std::uint64_t kFilmBytes = 4_MiB;
constexpr std::size_t kMaxQueued = 256_KiB;
constexpr std::size_t kPiece = 256_KiB;
constexpr int kMaxPieces = 16;  // a turn

struct Part {
  std::uint64_t first{};
  std::uint64_t end{};
};

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

/// What "bytes=1-2", "bytes=1-" and "bytes=-2" ask for; an empty part: nothing of this film.
Part part_of(std::string_view range, std::uint64_t size) {
  range.remove_prefix(std::min(range.size(), std::string_view{"bytes="}.size()));
  const auto dash = std::min(range.find('-'), range.size());
  const auto first = number(range.substr(0, dash));
  const auto last = number(range.substr(std::min(dash + 1, range.size())));
  if (!first) return {size - std::min(last.value_or(0), size), size};
  if (*first >= size) return {};
  return {*first, last ? std::min(*last + 1, size) : size};
}

}  // namespace

void film_bytes(const std::string& infohash, std::uint64_t offset, std::size_t count,
                std::string& out) {
  const auto seed = std::hash<std::string>{}(infohash);
  for (auto at = offset; at < offset + count; ++at) {
    auto word = (at / 8 + 1) * 0x9E3779B97F4A7C15U ^ seed;
    word ^= word >> 29U;
    word *= 0xBF58476D1CE4E5B9U;
    out.push_back(static_cast<char>(word >> (at % 8 * 8)));
  }
}

FilmPlayback::FilmPlayback(std::string infohash, Connection& connection, const Faults& faults,
                           const std::string& range)
    : infohash_{std::move(infohash)}, connection_{connection} {
  const auto size =
      static_cast<std::uint64_t>(faults.number(Fault::Vod, static_cast<double>(kFilmBytes)));
  const bool is_partial = !range.empty() && !faults.has(Fault::NoRanges);
  const auto part = is_partial ? part_of(range, size) : Part{0, size};
  at_ = part.first;
  end_ = part.end;
  if (at_ == end_) {
    connection_.finish_with(
        fmt::format("HTTP/1.1 416 Range Not Satisfiable\r\n"
                    "Content-Range: bytes */{}\r\nContent-Length: 6\r\n\r\nbeyond",
                    size));
    is_over_ = true;
    return;
  }
  connection_.write(fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: video/x-matroska\r\nContent-Length: {}\r\n{}{}"
      "Connection: close\r\n\r\n",
      is_partial ? "206 Partial Content" : "200 OK", end_ - at_,
      faults.has(Fault::NoRanges) ? "" : "Accept-Ranges: bytes\r\n",
      is_partial ? fmt::format("Content-Range: bytes {}-{}/{}\r\n", at_, end_ - 1, size) : ""));
}

std::uint64_t FilmPlayback::pump(const Faults& faults) {
  if (is_over_ || connection_.is_closed() || faults.has(Fault::Stall)) return 0;
  const auto before = at_;
  for (int piece = 0; piece < kMaxPieces && connection_.queued() < kMaxQueued; ++piece) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, end_ - at_));
    std::string bytes;
    film_bytes(infohash_, at_, count, bytes);
    at_ += count;
    is_over_ = at_ == end_;
    if (is_over_) {
      connection_.finish_with(bytes);
      break;
    }
    connection_.write(bytes);
  }
  return at_ - before;
}

}  // namespace ace::sim
