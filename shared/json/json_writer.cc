#include "shared/json/json_writer.h"

#include "shared/base/text.h"

namespace ace::json {

bool JsonWriter::Key(std::string_view name) { return String(name); }

bool JsonWriter::String(std::string_view text) {
  const auto put = [this](std::string_view valid) {
    return Writer::String(valid.data(), static_cast<rapidjson::SizeType>(valid.size()));
  };
  return is_utf8(text) ? put(text) : put(valid_utf8(text));
}

void write(JsonWriter& out, std::string_view key, std::string_view value) {
  out.Key(key);
  out.String(value);
}

void write(JsonWriter& out, std::string_view key, std::uint64_t value) {
  out.Key(key);
  out.Uint64(value);
}

void write_flag(JsonWriter& out, std::string_view key, bool value) {
  out.Key(key);
  out.Bool(value);
}

}  // namespace ace::json
