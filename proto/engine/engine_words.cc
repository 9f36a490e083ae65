#include "proto/engine/engine_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "proto/engine/engine_json.h"

namespace ace::proto::engine {
namespace {

/// Of a text, after its kind.
constexpr std::size_t kMostQuoted = 160;
constexpr std::size_t kFirstBytes = 8;

std::string without_tags(std::string_view html) {
  std::string text;
  bool is_tag = false;
  for (const char c : html) {
    if (c == '<') is_tag = true;
    if (!is_tag) text.push_back(c);
    if (c != '>') continue;
    is_tag = false;
    text.push_back(' ');
  }
  return text;
}

std::string first_bytes_of(std::string_view body) {
  const auto bytes = body.substr(0, kFirstBytes);
  return fmt::format(
      "bytes that begin with {:02x}",
      fmt::join(std::span{reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()},
                " "));
}

}  // namespace

bool is_text(std::string_view body) {
  return !body.empty() && std::ranges::all_of(body.substr(0, kMostWords), [](unsigned char c) {
    const bool is_blank = c == '\t' || c == '\r' || c == '\n';
    return is_blank || (c >= ' ' && c < 0x7F) || (c >= 0x80 && c <= 0xF4);
  });
}

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool is_plain = c > ' ' && c < '\x7F';
    if (is_plain && line.size() >= kMostQuoted) return line + "...";
    if (is_plain) {
      line.push_back(c == '"' ? '\'' : c);
    } else if (!line.empty() && line.back() != ' ') {
      line.push_back(' ');
    }
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

std::string words_of(std::string_view body) {
  body = body.substr(0, kMostWords);
  if (body.empty()) return {};
  rapidjson::Document document;
  const auto payload = parse_envelope(document, body);
  if (!payload && payload.error().code == Errc::Refused) return payload.error().text;
  if (!is_text(body)) return first_bytes_of(body);
  const auto first = std::min(body.find_first_not_of(" \t\r\n"), body.size());
  const auto text = body.substr(first);
  if (text.starts_with("#EXTM3U")) return fmt::format("a playlist: {}", one_line(text));
  if (text.starts_with('{') || text.starts_with('[')) {
    return fmt::format("JSON: {}", one_line(text));
  }
  if (text.starts_with('<')) {
    const auto words = one_line(without_tags(text));
    return fmt::format("HTML: {}", words.empty() ? one_line(text) : words);
  }
  return fmt::format("the text: {}", one_line(text));
}

}  // namespace ace::proto::engine
