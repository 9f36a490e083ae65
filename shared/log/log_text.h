#pragma once

#include <string>
#include <string_view>

#include "shared/base/clock.h"

namespace ace::log {

/// "2026-01-08T12:00:00.123Z"
[[nodiscard]] std::string iso_timestamp(WallTime time);
/// "[08/Jan/2026:12:00:00 +0000]", as access logs have it.
[[nodiscard]] std::string clf_timestamp(WallTime time);

/// Appends `text` as the inside of a JSON string: what is no UTF-8 becomes U+FFFD, so that the line
/// is JSON whatever came from outside.
void append_json(std::string& out, std::string_view text);
/// Appends `text` with backslash, quote and all but printable ASCII as `\xHH`, as nginx does.
void append_escaped(std::string& out, std::string_view text);
/// Control characters and what is no UTF-8 as `\xHH`: a value from outside forges no line and moves
/// no terminal's cursor.
[[nodiscard]] std::string one_line(std::string_view text);

}  // namespace ace::log
