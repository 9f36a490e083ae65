#include "shared/redis/resp_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/redis/link.h"

namespace ace::redis {
namespace {

/// Small on purpose: it is what gets copied of a value before its memory is known.
constexpr std::size_t kBufferSize = 16_KiB;

tl::unexpected<Error> not_resp(std::string_view what, std::string_view line) {
  return fail(Errc::Protocol, fmt::format("{}: {:?}", what, line.substr(0, 40)));
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

Reply text_reply(Reply::Kind kind, std::string text) {
  return {.kind = kind, .integer = 0, .text = std::move(text), .elements = {}};
}

}  // namespace

RespReader::RespReader() : buffer_(kBufferSize) {}

std::array<std::span<std::byte>, 2> RespReader::space() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == buffer_.size() && begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);  // bounded by kMaxLine
  const auto target = mode_ == Mode::Placed ? target_ : std::span<std::byte>{};
  return {target, std::span{buffer_}.subspan(end_)};
}

void RespReader::filled(std::size_t size) {
  if (mode_ == Mode::Placed) {
    const auto placed = std::min(size, target_.size());
    target_ = target_.subspan(placed);
    body_missing_ -= placed;
    size -= placed;
  }
  end_ += size;
}

Result<std::optional<RespReader::Answer>> RespReader::next(const Place& place) {
  while (!answer_) {
    if (mode_ == Mode::Head) {
      const auto line = take_line();
      if (!line) return fail(line.error());
      if (!*line) return std::optional<Answer>{};
      if (auto read = on_head(**line, place); !read) return fail(std::move(read).error());
    } else if (mode_ == Mode::End) {
      const auto ended = take_end();
      if (!ended) return fail(ended.error());
      if (!*ended) return std::optional<Answer>{};
    } else {
      take_body();
      if (body_missing_ > 0) return std::optional<Answer>{};
      mode_ = Mode::End;
    }
  }
  return std::optional<Answer>{take_answer()};
}

Result<std::optional<std::string_view>> RespReader::take_line() {
  const auto held = as_text(ByteSpan{buffer_}.subspan(begin_, end_ - begin_));
  const auto feed = held.find('\n', scanned_);
  if (feed == std::string_view::npos) {
    scanned_ = held.size();
    if (held.size() > kMaxLine) return not_resp("a line without an end", held);
    return std::optional<std::string_view>{};
  }
  if (feed == 0 || held[feed - 1] != '\r') return not_resp("a line feed alone", held);
  begin_ += feed + 1;
  scanned_ = 0;
  return std::optional{held.substr(0, feed - 1)};
}

Status RespReader::on_head(std::string_view line, const Place& place) {
  if (line.empty()) return not_resp("an empty line", line);
  const auto rest = line.substr(1);
  switch (line.front()) {
    case '+':
      value_done(text_reply(Reply::Kind::Status, std::string{rest}));
      return {};
    case '-':
      if (!answer_error_) answer_error_ = Error{Errc::Refused, std::string{rest}};
      value_done({});
      return {};
    default:
      break;
  }
  const auto number = parse_number(rest);
  if (!number) return not_resp("not RESP", line);
  switch (line.front()) {
    case ':':
      value_done({.kind = Reply::Kind::Integer, .integer = *number, .text = {}, .elements = {}});
      return {};
    case '$':
      return begin_bulk(*number, place);
    case '*':
      return begin_array(*number);
    default:
      return not_resp("not RESP", line);
  }
}

Status RespReader::begin_bulk(std::int64_t size, const Place& place) {
  if (size == -1) {
    value_done({});
    return {};
  }
  if (size < 0) return fail(Errc::Protocol, "a string of negative size");
  body_missing_ = static_cast<std::size_t>(size);
  answer_bytes_ += std::min(body_missing_, kMaxReplyBytes + 1);
  if (answer_bytes_ > kMaxReplyBytes) return fail(Errc::Protocol, "an answer over the limit");
  mode_ = Mode::Text;
  if (!arrays_.empty() || !place) return {};
  const auto memory = place(body_missing_);
  if (!memory) return {};
  const bool is_refused = memory->size() < body_missing_;
  mode_ = is_refused ? Mode::ReadOver : Mode::Placed;
  target_ = is_refused ? std::span<std::byte>{} : memory->first(body_missing_);
  placed_ = Answer{.kind = is_refused ? Answer::Kind::Refused : Answer::Kind::Placed,
                   .reply = Reply{},
                   .size = body_missing_};
  return {};
}

Status RespReader::begin_array(std::int64_t size) {
  if (size <= 0) {
    const auto kind = size == 0 ? Reply::Kind::Array : Reply::Kind::Nil;
    if (size < -1) return fail(Errc::Protocol, "an array of negative size");
    value_done({.kind = kind, .integer = 0, .text = {}, .elements = {}});
    return {};
  }
  if (arrays_.size() == kMaxDepth) return fail(Errc::Protocol, "an answer nested too deeply");
  const auto elements = static_cast<std::size_t>(size);
  answer_elements_ += std::min(elements, kMaxReplyElements + 1);
  if (answer_elements_ > kMaxReplyElements) return fail(Errc::Protocol, "an answer over the limit");
  arrays_.push_back(
      {.missing = elements,
       .reply = {.kind = Reply::Kind::Array, .integer = 0, .text = {}, .elements = {}}});
  return {};
}

void RespReader::take_body() {
  const auto size = std::min(body_missing_, end_ - begin_);
  const auto bytes = ByteSpan{buffer_}.subspan(begin_, size);
  if (mode_ == Mode::Text) text_ += as_text(bytes);
  if (mode_ == Mode::Placed) {
    std::copy(bytes.begin(), bytes.end(), target_.begin());
    target_ = target_.subspan(size);
  }
  begin_ += size;
  body_missing_ -= size;
}

Result<bool> RespReader::take_end() {
  if (end_ - begin_ < 2) return false;
  const auto end = as_text(ByteSpan{buffer_}.subspan(begin_, 2));
  if (end != "\r\n") return not_resp("a string longer than it said", end);
  begin_ += 2;
  mode_ = Mode::Head;
  if (placed_) {
    answer_ = std::exchange(placed_, std::nullopt);
  } else {
    value_done(text_reply(Reply::Kind::String, std::exchange(text_, {})));
  }
  return true;
}

void RespReader::value_done(Reply value) {
  while (!arrays_.empty()) {
    auto& array = arrays_.back();
    array.reply.elements.push_back(std::move(value));
    if (--array.missing > 0) return;
    value = std::move(array.reply);
    arrays_.pop_back();
  }
  answer_ = Answer{.kind = Answer::Kind::Reply, .reply = std::move(value), .size = 0};
}

RespReader::Answer RespReader::take_answer() {
  answer_bytes_ = answer_elements_ = 0;
  auto answer = std::move(*answer_);
  answer_.reset();
  if (answer_error_) answer.reply = fail(*std::exchange(answer_error_, std::nullopt));
  return answer;
}

}  // namespace ace::redis
