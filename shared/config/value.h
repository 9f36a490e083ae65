#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ace::config {

/// Decimal digits only; nothing for anything else, overflow included.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);
/// `true`/`false`, `yes`/`no`, `on`/`off`, `1`/`0`, in any case.
[[nodiscard]] std::optional<bool> parse_bool(std::string_view text);

/// `5` and `0.5` are seconds; `500ms`, `5s`, `2m`, `1h`. Never negative.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// The shortest form that parse_duration reads back: `500ms`, `5s`, `2m`.
[[nodiscard]] std::string format_duration(std::chrono::milliseconds value);

/// Plain bytes, or `KiB`, `MiB`, `GiB` (also `K`, `KB`, …: powers of 1024 all of them).
[[nodiscard]] std::optional<std::size_t> parse_size(std::string_view text);
[[nodiscard]] std::string format_size(std::size_t value);

/// The parts between separators, trimmed; views into `text`. Never empty: "" has one empty part.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::string to_lower(std::string_view text);
/// The candidate that a slip of the fingers turns into `text`; nothing when none is near.
[[nodiscard]] std::optional<std::string> nearest(std::string_view text,
                                                 const std::vector<std::string>& candidates);

}  // namespace ace::config
