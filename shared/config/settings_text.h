#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ace::config {

/// No line that people read about settings is longer, so that it fits any terminal.
inline constexpr std::size_t kTextColumns = 80;

/// Which settings --help shows: the ones that most people need, or every one (--help-all).
enum class HelpScope { Common, All };

/// The flags by group, each with its unit, range, default and environment name.
[[nodiscard]] std::string help_text(HelpScope scope);

/// Every setting, commented out at its default: what deploy/ace-proxy.env holds.
[[nodiscard]] std::string env_file_text();

/// `text` cut at blanks into lines of at most `width` bytes (UTF-8 characters count as one). A
/// word that is longer stands alone on its line, whole.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, std::size_t width);

}  // namespace ace::config
