#include "shared/log/log_fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "shared/log/log_text.h"

namespace ace::log {
namespace {

/// What every line has for itself.
constexpr std::array<std::string_view, 5> kOwnKeys{"ts", "level", "process", "event", "msg"};

struct Pair {
  std::string_view key;
  std::string value;
};

constexpr bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_of_key(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; }

bool is_key(std::string_view word) {
  return !word.empty() && is_letter(word.front()) && std::ranges::all_of(word, is_of_key);
}

/// False, and nothing is appended: Unicode has no such character.
bool append_utf8(std::string& out, std::uint32_t code) {
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
    return true;
  }
  const int more = code >= 0x10000 ? 3 : code >= 0x800 ? 2 : 1;
  constexpr std::array<std::uint32_t, 4> kLead{0, 0xc0, 0xe0, 0xf0};
  out.push_back(static_cast<char>(kLead[static_cast<std::size_t>(more)] | (code >> (6 * more))));
  for (int left = more - 1; left >= 0; --left) {
    out.push_back(static_cast<char>(0x80U | ((code >> (6 * left)) & 0x3fU)));
  }
  return true;
}

/// A character as fmt's `{:?}` writes one that it cannot show: `\x1b`, `\u200d`, `\U000e0001`. Of
/// `\x80` and above nobody can tell whether it was a character or a byte that is no UTF-8.
/// @returns the length of what it appended; 0: it stays as it is written.
std::size_t append_named(std::string& out, std::string_view text) {
  const char kind = text[1];
  const std::size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  if (digits == 0 || text.size() < 2 + digits) return 0;
  std::uint32_t code = 0;
  const char* const end = text.data() + 2 + digits;
  const auto read = std::from_chars(text.data() + 2, end, code, 16);
  if (read.ec != std::errc{} || read.ptr != end || (kind == 'x' && code >= 0x80)) return 0;
  return append_utf8(out, code) ? 2 + digits : 0;
}

/// Appends what stands for one character behind a backslash. @returns its length there.
std::size_t append_unescaped(std::string& out, std::string_view text) {
  constexpr std::string_view kNames = "\"'\\nrt";
  constexpr std::string_view kMeant = "\"'\\\n\r\t";
  const auto at = text.size() < 2 ? std::string_view::npos : kNames.find(text[1]);
  if (at != std::string_view::npos) {
    out.push_back(kMeant[at]);
    return 2;
  }
  const auto length = text.size() < 2 ? 0 : append_named(out, text);
  if (length != 0) return length;
  out.push_back('\\');
  return 1;
}

/// Whether a pair may end in front of this.
bool is_end(std::string_view rest) {
  return rest.empty() || rest.front() == ' ' || rest.starts_with(": ");
}

/// Takes `"…"` off the front of `text`.
std::optional<std::string> take_quoted(std::string_view& text) {
  std::string value;
  for (std::size_t i = 1; i < text.size();) {
    if (text[i] == '"') {
      if (!is_end(text.substr(i + 1))) return std::nullopt;
      text.remove_prefix(i + 1);
      return value;
    }
    if (text[i] == '\\') {
      i += append_unescaped(value, text.substr(i));
    } else {
      value.push_back(text[i++]);
    }
  }
  return std::nullopt;
}

/// Takes all up to the next blank, but not the colon that ends the pairs.
std::string take_word(std::string_view& text) {
  const auto blank = text.find(' ');
  auto word = text.substr(0, blank);
  if (blank != std::string_view::npos && word.ends_with(':')) word.remove_suffix(1);
  text.remove_prefix(word.size());
  return std::string{word};
}

/// Takes `key=value` off the front of `text`, which stays as it is if it begins with none.
std::optional<Pair> take_pair(std::string_view& text) {
  const auto equals = text.find_first_of("= ");
  if (equals == std::string_view::npos || text[equals] != '=') return std::nullopt;
  const auto key = text.substr(0, equals);
  if (!is_key(key)) return std::nullopt;
  auto rest = text.substr(equals + 1);
  auto value = rest.starts_with('"') ? take_quoted(rest) : take_word(rest);
  if (!value) return std::nullopt;
  text = rest;
  return Pair{.key = key, .value = std::move(*value)};
}

class Members {
 public:
  explicit Members(std::string& out) : out_{out}, taken_{kOwnKeys.begin(), kOwnKeys.end()} {}

  void add(const Pair& pair) {
    std::string key{pair.key};
    while (std::ranges::find(taken_, key) != taken_.end()) key.insert(0, "field_");
    append(key, pair.value);
    taken_.push_back(std::move(key));
  }

  void append(std::string_view key, std::string_view value) {
    out_ += ",\"";
    out_ += key;
    out_ += "\":\"";
    append_json(out_, value);
    out_ += '"';
  }

 private:
  std::string& out_;
  std::vector<std::string> taken_;
};

}  // namespace

void append_members(std::string& members, std::string_view text) {
  Members object{members};
  bool ends = false;
  while (!ends) {
    const auto pair = take_pair(text);
    if (!pair) break;
    object.add(*pair);
    ends = !text.starts_with(' ');
    if (!ends) text.remove_prefix(1);
  }
  if (text.starts_with(": ")) text.remove_prefix(2);
  if (!text.empty()) object.append("msg", text);
}

}  // namespace ace::log
