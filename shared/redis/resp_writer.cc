#include "shared/redis/resp_writer.h"

#include <fmt/format.h>

#include <iterator>

namespace ace::redis {

void append_command(std::string& out, const std::vector<std::string>& args) {
  append_command_head(out, args.size());
  for (const auto& word : args) append_word(out, word);
}

void append_command_head(std::string& out, std::size_t words) {
  fmt::format_to(std::back_inserter(out), "*{}\r\n", words);
}

void append_word(std::string& out, std::string_view word) {
  append_word_head(out, word.size());
  out += word;
  out += "\r\n";
}

void append_word_head(std::string& out, std::size_t size) {
  fmt::format_to(std::back_inserter(out), "${}\r\n", size);
}

}  // namespace ace::redis
