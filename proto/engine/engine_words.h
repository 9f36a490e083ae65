#pragma once

#include <string>
#include <string_view>

namespace ace::proto::engine {

/// So much of an answer is looked at for its words.
inline constexpr std::size_t kMostWords = 1024;

/// Whether people can read it: plain text, a playlist, JSON, HTML. An MPEG-TS packet is never that.
[[nodiscard]] bool is_text(std::string_view body);

/// Printable ASCII, cut at 160 bytes. Runs of blanks and of what cannot be printed become one
/// blank, and double quotes single ones: log lines put it into double ones.
[[nodiscard]] std::string one_line(std::string_view text);

/// What an engine answered in place of what it was asked for, in words for people: the error of its
/// JSON; else what kind of text it is, and its beginning; else its first bytes. One printable line
/// of at most 250 bytes; empty for an empty body.
[[nodiscard]] std::string words_of(std::string_view body);

}  // namespace ace::proto::engine
