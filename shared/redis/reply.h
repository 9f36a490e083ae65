#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ace::redis {

/// One Redis reply as a value. An error reply of the server is not a Reply but an Error (its text
/// begins with the server's own word: "OOM …", "NOSCRIPT …", "WRONGTYPE …").
struct Reply {
  enum class Kind { Nil, Integer, String, Status, Array };
  Kind kind{Kind::Nil};
  std::int64_t integer{};
  std::string text;
  std::vector<Reply> elements;

  [[nodiscard]] bool is_nil() const { return kind == Kind::Nil; }
  /// The integer, or a string that is one; nothing for anything else. Never throws: any key may
  /// hold junk.
  [[nodiscard]] std::optional<std::int64_t> as_integer() const;
  [[nodiscard]] std::optional<std::string_view> as_text() const;
};

}  // namespace ace::redis
