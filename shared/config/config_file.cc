#include "shared/config/config_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <sstream>

#include <CLI/CLI.hpp>

#include "shared/base/unique_fd.h"
#include "shared/config/settings.h"
#include "shared/config/value.h"

namespace ace::config {
namespace {

/// CLI11 2.1 cuts a value at `#` even inside quotes, so that half a password would be used without
/// a word. Comments are taken off here, and CLI11 is told that there are none.
std::string without_comment(std::string_view line) {
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) {
      return std::string{line.substr(0, i)};
    }
  }
  return std::string{line};
}

struct Line {
  std::string_view key;
  std::string_view value;
};

Line taken_apart(std::string_view line) {
  const auto equals = line.find('=');
  return {.key = trim(line.substr(0, equals)), .value = trim(line.substr(equals + 1))};
}

/// `[…` begins a list only where a list may stand and no IPv6 address does: `[::]:8000`.
bool begins_list(const Line& line) {
  const Setting* setting = find_setting(line.key);
  return setting != nullptr && setting->is_list && line.value.starts_with('[') &&
         line.value.find("]:") == std::string_view::npos;
}

/// A bare value with characters that mean something to CLI11 (brackets, blanks, commas) is put in
/// quotes, as whoever wrote it meant it.
std::string with_quotes(const Line& line) {
  std::string_view quote = line.value.find('"') == std::string_view::npos ? "\"" : "'";
  const bool has_quotes = line.value.starts_with('"') || line.value.starts_with('\'');
  if (line.value.empty() || has_quotes || begins_list(line)) quote = "";
  return fmt::format("{}={}{}{}", line.key, quote, line.value, quote);
}

/// One line per setting, free of comments, with every value in a form that CLI11 takes literally.
std::string prepared(const std::string& text) {
  std::istringstream in{text};
  std::string out;
  for (std::string line; std::getline(in, line);) {
    line = without_comment(line);
    const bool is_heading = trim(line).starts_with('[');
    if (!is_heading && line.find('=') != std::string::npos) {
      const bool is_list = begins_list(taken_apart(line));
      for (std::string more; is_list && !trim(line).ends_with(']') && std::getline(in, more);) {
        line += without_comment(more);
      }
      line = with_quotes(taken_apart(line));
    }
    out += line + '\n';
  }
  return out;
}

Result<FileValue> to_value(const CLI::ConfigItem& item) {
  const Setting* setting = find_setting(item.name);
  if (item.inputs.size() > 1 && setting != nullptr && !setting->is_list) {
    return fail(Errc::InvalidArgument, fmt::format("{} takes one value, not a list", item.name));
  }
  return FileValue{.key = item.name, .value = fmt::format("{}", fmt::join(item.inputs, ","))};
}

/// By hand: a stream's read error (a directory has one) looks like an empty file.
Result<std::string> whole_text(const std::string& path) {
  const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return fail(Error::from_errno("cannot be opened", errno));
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    const ssize_t size = ::read(file.get(), piece.data(), piece.size());
    if (size == 0) return text;
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail(Error::from_errno("cannot be read to its end", errno));
    text.append(piece.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace

Result<std::vector<FileValue>> parse_config_text(const std::string& text) {
  CLI::ConfigTOML format;
  format.comment('\0');
  std::istringstream in{prepared(text)};
  std::vector<FileValue> values;
  try {
    for (const auto& item : format.from_config(in)) {
      if (item.name == "++" || item.name == "--") continue;  // CLI11's marks around sections
      auto value = to_value(item);
      if (!value) return fail(std::move(value).error());
      values.push_back(std::move(*value));
    }
  } catch (const std::exception& broken) {  // CLI11 throws; nothing above this line expects it
    return fail(Errc::InvalidArgument, broken.what());
  }
  return values;
}

Result<std::vector<FileValue>> read_config_file(const std::string& path) {
  auto text = whole_text(path);
  if (!text) return fail(std::move(text).error());
  return parse_config_text(*text);
}

}  // namespace ace::config
