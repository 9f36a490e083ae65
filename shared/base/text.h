#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ace {

/// Bytes of the UTF-8 character that `text` begins with; 0: it is none, or an overlong form, a
/// surrogate or beyond Unicode. Of an empty text: 0.
[[nodiscard]] std::size_t utf8_length(std::string_view text);

[[nodiscard]] bool is_utf8(std::string_view text);

/// The text with U+FFFD in place of each byte that belongs to no UTF-8 character.
[[nodiscard]] std::string valid_utf8(std::string_view text);

/// The beginning of a text, at most `most` bytes, cut between two characters.
[[nodiscard]] std::string_view cut_text(std::string_view text, std::size_t most);

/// What a text from outside is kept and shown as: UTF-8, without the secrets of this process, at
/// most `most` bytes. Every text that a client, an engine or Redis sent goes through here before it
/// is stored for others to read.
[[nodiscard]] std::string outside_text(std::string_view text, std::size_t most);

/// Empties the text and gives its memory back. `text = {}` keeps the memory: libstdc++ copies what
/// is short into the buffer that is there.
inline void free_text(std::string& text) { std::string{}.swap(text); }

}  // namespace ace
