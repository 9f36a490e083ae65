#include "shared/config/settings_text.h"

#include <sstream>
#include <string>

#include <catch2/catch.hpp>

#include "shared/config/command_line.h"
#include "shared/config/settings.h"
#include "shared/config/value.h"

using namespace ace::config;
using Catch::Matchers::Contains;

namespace {

std::size_t columns(const std::string& line) {
  std::size_t count = 0;
  for (const char c : line) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

/// The words of a text, one blank between them: what wrapping must not change.
std::string words_of(std::string_view text) {
  std::string all;
  std::istringstream in{std::string{text}};
  for (std::string word; in >> word;) {
    if (word != "#") all += " " + word;
  }
  return all;
}

void check_columns(const std::string& text) {
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) {
    INFO(line);
    CHECK(columns(line) <= 80);
  }
}

}  // namespace

TEST_CASE("what is read about settings fits 80 columns", "[config]") {
  check_columns(help_text(HelpScope::Common));
  check_columns(help_text(HelpScope::All));
  check_columns(env_file_text());
}

TEST_CASE("wrapping breaks no word", "[config]") {
  const auto help = words_of(help_text(HelpScope::All));
  const auto file = words_of(env_file_text());
  for (const auto& setting : settings()) {
    CHECK_THAT(help, Contains(words_of(setting.sentence)));
    CHECK_THAT(help, Contains(words_of(setting.allowed)));
    CHECK_THAT(file, Contains(words_of(setting.sentence)));
    CHECK_THAT(file, Contains(words_of(setting.allowed)));
  }
  for (const auto& flag : command_flags()) CHECK_THAT(help, Contains(words_of(flag.sentence)));
}

TEST_CASE("a word that is longer than the line stays whole", "[config]") {
  CHECK(wrapped("a 1234567890 b c", 5) == std::vector<std::string>{"a", "1234567890", "b c"});
  CHECK(wrapped("…… ……", 5) == std::vector<std::string>{"…… ……"});
  CHECK(wrapped("  ", 5).empty());
}

TEST_CASE("every setting stands in --help-all with unit, range, default and name", "[config]") {
  const auto help = words_of(help_text(HelpScope::All));
  for (const auto& setting : settings()) {
    INFO(setting.key);
    const std::string value = setting.default_text.empty() ? "none" : setting.default_text;
    CHECK_THAT(help, Contains(setting.flag() + " ") || Contains(setting.flag() + ", --"));
    CHECK_THAT(help,
               Contains(words_of(std::string{setting.unit} + ", " + setting.allowed + "; default " +
                                 value + "; environment " + std::string{setting.key})));
  }
}

TEST_CASE("--help shows the engines first and leaves rare settings out", "[config]") {
  const auto help = help_text(HelpScope::Common);
  CHECK_THAT(help, !Contains("PROXY_LEASE") && !Contains("PROXY_CHUNK_MAX_AGE"));
  CHECK(help.size() * 2 < help_text(HelpScope::All).size());
  CHECK_THAT(help, Contains("--help-all"));
  std::size_t last = 0;
  for (const auto* key :
       {"environment ACE_ENGINES", "environment PROXY_LISTEN", "environment PROXY_WORKERS",
        "environment PROXY_ALLOW", "environment API_KEY", "environment REDIS_HOST"}) {
    INFO(key);
    const auto at = help.find(key);
    REQUIRE(at != std::string::npos);
    CHECK(at > last);
    last = at;
  }
}

TEST_CASE("a group's heading stands once", "[config]") {
  std::vector<std::string_view> groups;
  for (const auto& setting : settings()) {
    if (!groups.empty() && groups.back() == setting.group) continue;
    CHECK(std::find(groups.begin(), groups.end(), setting.group) == groups.end());
    groups.push_back(setting.group);
  }
}
