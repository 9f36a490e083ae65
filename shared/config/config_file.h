#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"

namespace ace::config {

struct FileValue {
  std::string key;  ///< as written
  std::string value;
};

/// Reads `KEY = value` lines: TOML, INI and environment files alike. Values may stand in quotes, a
/// list may stand in [brackets]; section headings only structure the file. `#` begins a comment at
/// the start of a line or after a blank, never inside quotes.
[[nodiscard]] Result<std::vector<FileValue>> parse_config_text(const std::string& text);
/// NotFound or System when the file cannot be read.
[[nodiscard]] Result<std::vector<FileValue>> read_config_file(const std::string& path);

}  // namespace ace::config
