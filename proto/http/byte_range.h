#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/http/request.h"

namespace ace::proto::http {

/// One part of a content, as a Range header asks for it.
struct ByteRange {
  std::optional<std::uint64_t> first;  ///< nothing: the last `last` bytes
  std::optional<std::uint64_t> last;   ///< nothing: to the end

  /// As it stands behind "bytes=".
  [[nodiscard]] std::string text() const;
  /// It begins in the middle: who asks for that has asked for the beginning before.
  [[nodiscard]] bool is_seek() const { return first.value_or(1) > 0; }
};

/// Nothing where the request has none, or one that may be passed over as RFC 9110 has it: several
/// parts, another unit, nonsense, or with a condition that nothing of ours can meet.
[[nodiscard]] std::optional<ByteRange> requested_range(const Request& request);

/// What a 206 says it is: "bytes 10-19/100".
struct ContentRange {
  std::uint64_t first{};
  std::uint64_t last{};
  std::optional<std::uint64_t> total;

  [[nodiscard]] std::string text() const;
};
[[nodiscard]] std::optional<ContentRange> parse_content_range(std::string_view text);
/// The length that a 416 tells: "bytes */100".
[[nodiscard]] std::optional<std::uint64_t> parse_unsatisfied_range(std::string_view text);

/// A whole decimal number.
[[nodiscard]] std::optional<std::uint64_t> parse_length(std::string_view text);

}  // namespace ace::proto::http
