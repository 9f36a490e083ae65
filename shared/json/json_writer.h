#pragma once

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdint>
#include <string_view>

namespace ace::json {

/// The only writer of JSON: what it writes is valid UTF-8 whatever came from outside. What is not
/// becomes U+FFFD.
class JsonWriter : public rapidjson::Writer<rapidjson::StringBuffer> {
 public:
  explicit JsonWriter(rapidjson::StringBuffer& buffer) : Writer{buffer} {}

  bool Key(std::string_view name);
  bool String(std::string_view text);
};

// Members of the object that is written now.
void write(JsonWriter& out, std::string_view key, std::string_view value);
void write(JsonWriter& out, std::string_view key, std::uint64_t value);
void write_flag(JsonWriter& out, std::string_view key, bool value);

}  // namespace ace::json
