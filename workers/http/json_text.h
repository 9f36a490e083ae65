#pragma once

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace ace::http {

using JsonWriter = rapidjson::Writer<rapidjson::StringBuffer>;

void write(JsonWriter& out, std::string_view key, std::string_view value);
void write(JsonWriter& out, std::string_view key, std::uint64_t value);
void write_flag(JsonWriter& out, std::string_view key, bool value);

/// "2026-01-08T12:00:00.123Z"
[[nodiscard]] std::string iso_time(std::int64_t unix_ms);

}  // namespace ace::http
