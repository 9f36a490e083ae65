#include "tests/support/process/http_reply.h"

#include <algorithm>
#include <charconv>

namespace ace::test {
namespace {

constexpr std::size_t kMaxHead = 64_KiB;
constexpr std::size_t kMaxChunkLine = 256;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower_case(std::string_view text) {
  std::string result{text};
  std::ranges::transform(result, result.begin(), lower);
  return result;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

template <class T>
bool parse_number(std::string_view text, T& value, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

}  // namespace

void Headers::add(std::string_view name, std::string_view value) {
  fields_.emplace_back(lower_case(name), std::string{trimmed(value)});
}

std::optional<std::string> Headers::find(std::string_view name) const {
  const auto at = std::ranges::find(fields_, name, &std::pair<std::string, std::string>::first);
  if (at == fields_.end()) return std::nullopt;
  return at->second;
}

std::size_t HttpReplyParser::feed(ByteSpan bytes, const BodySink& sink) {
  std::size_t used = 0;
  while (used < bytes.size() && (state_ == State::Head || state_ == State::Body)) {
    const auto rest = bytes.subspan(used);
    used += state_ == State::Head ? feed_head(as_text(rest)) : feed_body(rest, sink);
  }
  return used;
}

void HttpReplyParser::end_of_input() {
  if (state_ == State::Body && framing_ == Framing::UntilClose) {
    state_ = State::Done;
  } else if (state_ == State::Head || state_ == State::Body) {
    break_off(state_ == State::Head ? "ended inside the head" : "ended inside the body");
  }
}

std::size_t HttpReplyParser::feed_head(std::string_view text) {
  const std::size_t before = line_.size();
  line_.append(text.substr(0, kMaxHead));
  const auto end = line_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
  if (end == std::string::npos) {
    if (line_.size() > kMaxHead) break_off("the head is too long");
    return std::min(text.size(), kMaxHead);
  }
  const std::size_t used = end + 4 - before;
  parse_head(std::string_view{line_}.substr(0, end));
  line_.clear();
  return used;
}

void HttpReplyParser::parse_head(std::string_view head) {
  const auto first_line = head.substr(0, head.find("\r\n"));
  if ((!first_line.starts_with("HTTP/1.1 ") && !first_line.starts_with("HTTP/1.0 ")) ||
      !parse_number(first_line.substr(9, 3), status_, 10)) {
    return break_off("not a status line: " + std::string{first_line.substr(0, 80)});
  }
  auto rest = head.substr(std::min(head.size(), first_line.size() + 2));
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(std::min(rest.size(), line.size() + 2));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) {
      return break_off("not a header: " + std::string{line.substr(0, 80)});
    }
    headers_.add(line.substr(0, colon), line.substr(colon + 1));
  }
  choose_framing();
}

void HttpReplyParser::choose_framing() {
  if (status_ >= 100 && status_ < 200) {  // an interim reply: the real one follows
    headers_ = {};
    return;
  }
  state_ = State::Body;
  const auto coding = headers_.find("transfer-encoding");
  const auto length = headers_.find("content-length");
  if (!expects_body_ || status_ == 204 || status_ == 304) {
    state_ = State::Done;
  } else if (coding) {
    if (length || lower_case(*coding) != "chunked") return break_off("contradictory framing");
    framing_ = Framing::Chunked;
  } else if (length) {
    framing_ = Framing::Length;
    if (!parse_number(std::string_view{*length}, left_, 10)) return break_off("bad content-length");
    if (left_ == 0) state_ = State::Done;
  } else {
    framing_ = Framing::UntilClose;
  }
}

std::size_t HttpReplyParser::feed_body(ByteSpan bytes, const BodySink& sink) {
  if (framing_ == Framing::Chunked) return feed_chunked(bytes, sink);
  if (framing_ == Framing::UntilClose) {
    sink(bytes);
    return bytes.size();
  }
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  left_ -= size;
  if (left_ == 0) state_ = State::Done;
  sink(bytes.first(size));
  return size;
}

std::size_t HttpReplyParser::feed_chunked(ByteSpan bytes, const BodySink& sink) {
  if (part_ == ChunkPart::Data) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    left_ -= size;
    if (left_ == 0) part_ = ChunkPart::DataEnd;
    sink(bytes.first(size));
    return size;
  }
  const auto text = as_text(bytes);
  const auto newline = text.find('\n');
  const bool has_line = newline != std::string_view::npos;
  const std::size_t used = has_line ? newline + 1 : text.size();
  line_.append(text.substr(0, used));
  if (line_.size() > kMaxChunkLine) {
    break_off("the line of a chunk is too long");
  } else if (has_line) {
    on_chunk_line();
    line_.clear();
  }
  return used;
}

void HttpReplyParser::on_chunk_line() {
  if (!line_.ends_with("\r\n")) return break_off("a line of the chunked coding without CR LF");
  const std::string_view line{line_.data(), line_.size() - 2};
  switch (part_) {
    case ChunkPart::Size:
      if (!parse_number(line.substr(0, line.find(';')), left_, 16)) {
        return break_off("not a chunk size");
      }
      part_ = left_ == 0 ? ChunkPart::Trailer : ChunkPart::Data;
      break;
    case ChunkPart::DataEnd:
      if (!line.empty()) return break_off("a chunk is longer than it said");
      part_ = ChunkPart::Size;
      break;
    case ChunkPart::Trailer:
      if (line.empty()) state_ = State::Done;
      break;
    case ChunkPart::Data:
      break;
  }
}

void HttpReplyParser::break_off(std::string why) {
  state_ = State::Broken;
  why_ = std::move(why);
}

}  // namespace ace::test
