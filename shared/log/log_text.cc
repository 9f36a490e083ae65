#include "shared/log/log_text.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <ctime>

#include "shared/base/text.h"

namespace ace::log {
namespace {

std::tm utc_of(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
  const auto since_epoch = static_cast<std::time_t>(seconds.count());
  std::tm utc{};
  ::gmtime_r(&since_epoch, &utc);
  return utc;
}

/// C0, DEL, and C1 in its UTF-8 form.
bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  return first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
}

void append_hex(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    out += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
}

}  // namespace

std::string iso_timestamp(WallTime time) {
  const auto utc = utc_of(time);
  const auto ms =
      std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count() % 1000;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, ms);
}

std::string clf_timestamp(WallTime time) {
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto utc = utc_of(time);
  return fmt::format("[{:02}/{}/{}:{:02}:{:02}:{:02} +0000]", utc.tm_mday,
                     kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour,
                     utc.tm_min, utc.tm_sec);
}

void append_json(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto length = utf8_length(text);
    const char c = text.front();
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (length == 1 && (c == '"' || c == '\\')) {
      out.push_back('\\');
      out.push_back(c);
    } else if (length == 1 && (static_cast<unsigned char>(c) < 0x20 || c == '\x7f')) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\' || byte < 0x20 || byte >= 0x7f) {
      append_hex(out, {&c, 1});
    } else {
      out.push_back(c);
    }
  }
}

std::string one_line(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const auto length = utf8_length(text);
    const auto character = text.substr(0, length == 0 ? 1 : length);
    if (length == 0 || is_control(character)) {
      append_hex(clean, character);
    } else {
      clean += character;
    }
    text.remove_prefix(character.size());
  }
  return clean;
}

}  // namespace ace::log
