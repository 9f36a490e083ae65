#pragma once

#include <cstdint>
#include <string>

#include "shared/json/json_writer.h"

namespace ace::http {

using json::JsonWriter;
using json::write;
using json::write_flag;

/// "2026-01-08T12:00:00.123Z"
[[nodiscard]] std::string iso_time(std::int64_t unix_ms);

}  // namespace ace::http
