#include "proto/http/body_decoder.h"

#include <strings.h>

#include <algorithm>
#include <charconv>

namespace ace::proto::http {
namespace {

/// Of a chunk: engines send some KiB, and what is larger than this is no size but junk.
constexpr std::uint64_t kMaxChunk = std::uint64_t{1} << 31U;
/// Of a chunk's size with its extensions, and of all trailers.
constexpr std::uint32_t kMaxLineBytes = 8U << 10U;

Status broken(std::string_view what) {
  return fail(Errc::Protocol, "chunked coding: " + std::string{what});
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_chunked(std::string_view coding) {
  constexpr std::string_view kChunked = "chunked";
  return coding.size() == kChunked.size() &&
         ::strncasecmp(coding.data(), kChunked.data(), kChunked.size()) == 0;
}

}  // namespace

Result<BodyDecoder> BodyDecoder::of(std::string_view transfer_encoding,
                                    std::string_view content_length) {
  if (!transfer_encoding.empty()) {
    if (!is_chunked(transfer_encoding)) return fail(Errc::Protocol, "an unknown transfer coding");
    return BodyDecoder{{.framing = Framing::Chunked, .place = Place::Size}};
  }
  if (content_length.empty()) return BodyDecoder{};
  State state{.framing = Framing::Length};
  const char* const end = content_length.data() + content_length.size();
  const auto read = std::from_chars(content_length.data(), end, state.left);
  if (read.ec != std::errc{} || read.ptr != end) {
    return fail(Errc::Protocol, "a content length that is no number");
  }
  if (state.left == 0) state.place = Place::Over;
  return BodyDecoder{state};
}

Result<BodyDecoder> BodyDecoder::at(State state) {
  using enum Place;
  bool is_possible = false;
  switch (state.framing) {
    case Framing::UntilClose:
      is_possible = state == State{};
      break;
    case Framing::Length:
      is_possible = (state.place == Data) != (state.left == 0) && state.line_bytes == 0 &&
                    (state.place == Data || state.place == Over);
      break;
    case Framing::Chunked:
      is_possible = state.place <= Over && state.left <= kMaxChunk &&
                    state.line_bytes <= kMaxLineBytes && (state.place != Data || state.left > 0);
      break;
  }
  if (!is_possible) return fail(Errc::Protocol, "no place in a body");
  return BodyDecoder{state};
}

Status BodyDecoder::feed(ByteSpan bytes, const Sink& sink) {
  while (!bytes.empty() && !is_over()) {
    if (state_.place == Place::Data) {
      bytes = take_data(bytes, sink);
      continue;
    }
    if (auto taken = take_framing(static_cast<char>(bytes.front())); !taken) return taken;
    bytes = bytes.subspan(1);
  }
  return {};
}

ByteSpan BodyDecoder::take_data(ByteSpan bytes, const Sink& sink) {
  if (state_.framing == Framing::UntilClose) {
    sink(bytes);
    return {};
  }
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(state_.left, bytes.size()));
  state_.left -= size;
  if (state_.left == 0) {
    state_.place = state_.framing == Framing::Length ? Place::Over : Place::DataCr;
  }
  sink(bytes.first(size));
  return bytes.subspan(size);
}

Status BodyDecoder::take_framing(char c) {
  using enum Place;
  switch (state_.place) {
    case Size:
      return take_size(c);
    case Extension:
      if (c == '\r') state_.place = SizeLf;
      if (c == '\n') return broken("a bare line feed");
      return count_line_byte();
    case SizeLf:
      if (c != '\n') return broken("no line feed behind a size");
      state_.line_bytes = 0;
      state_.place = state_.left > 0 ? Data : Trailer;
      return {};
    case DataCr:
    case DataLf:
      if (c != (state_.place == DataCr ? '\r' : '\n')) return broken("a chunk without its end");
      state_.place = state_.place == DataCr ? DataLf : Size;
      return {};
    case Trailer:
      state_.place = c == '\r' ? EndLf : TrailerLine;
      if (c == '\n') return broken("a bare line feed");
      return count_line_byte();
    case TrailerLine:
      if (c == '\r') state_.place = TrailerLf;
      if (c == '\n') return broken("a bare line feed");
      return count_line_byte();
    case TrailerLf:
    case EndLf:
      if (c != '\n') return broken("no line feed behind a trailer");
      state_.place = state_.place == EndLf ? Over : Trailer;
      return {};
    case Data:
    case Over:
      break;
  }
  return {};
}

Status BodyDecoder::take_size(char c) {
  if (const int digit = hex_value(c); digit >= 0) {
    state_.left = state_.left * 16 + static_cast<unsigned>(digit);
    if (state_.left > kMaxChunk) return broken("a chunk that is too large");
    return count_line_byte();
  }
  if (state_.line_bytes == 0) return broken("no size");
  if (c != '\r' && c != ';' && c != ' ' && c != '\t') return broken("a size that is no number");
  state_.place = c == '\r' ? Place::SizeLf : Place::Extension;
  return count_line_byte();
}

Status BodyDecoder::count_line_byte() {
  if (++state_.line_bytes > kMaxLineBytes) return broken("a line without end");
  return {};
}

}  // namespace ace::proto::http
