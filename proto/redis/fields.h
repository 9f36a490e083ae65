#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ace::proto {

/// A Redis hash as it is written and read: field and value, in any order.
using Fields = std::vector<std::pair<std::string, std::string>>;

/// One line a field, "name<tab>value", for memory that processes share; empty values are left out.
/// Empty when a text cannot be told so (a tab or a line's end in it), or all of it needs more than
/// `max_bytes`: half a record would be worse than none.
[[nodiscard]] std::string to_lines(const Fields& fields, std::size_t max_bytes);
/// What to_lines made. Nothing at all when a line is no field.
[[nodiscard]] Fields parse_lines(std::string_view lines);

/// The whole text as a number in decimal; nothing for junk, signs or overflow.
[[nodiscard]] std::optional<std::uint64_t> parse_unsigned(std::string_view text);
/// The whole text as unix seconds; nothing for junk, what is negative, and what lies
/// beyond the year 9999.
[[nodiscard]] std::optional<double> parse_seconds(std::string_view text);
/// "1763800000.123"
[[nodiscard]] std::string format_seconds(double seconds);

}  // namespace ace::proto
