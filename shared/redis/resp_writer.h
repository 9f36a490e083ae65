#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ace::redis {

/// Commands as RESP 2 writes them.
void append_command(std::string& out, const std::vector<std::string>& args);
/// The pieces of a command whose value is written from where it lies.
void append_command_head(std::string& out, std::size_t words);
void append_word(std::string& out, std::string_view word);
/// What stands before a word of `size` bytes; "\r\n" follows it.
void append_word_head(std::string& out, std::size_t size);

}  // namespace ace::redis
