#include "proto/engine/engine_json.h"

#include <rapidjson/encodedstream.h>
#include <rapidjson/memorystream.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "proto/engine/engine_api.h"

namespace ace::proto::engine {
namespace {

constexpr std::size_t kMaxErrorText = 200;

const rapidjson::Value* member(const rapidjson::Value& object, const char* name) {
  if (!object.IsObject()) return nullptr;
  const auto found = object.FindMember(name);
  return found == object.MemberEnd() ? nullptr : &found->value;
}

std::string_view text(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

/// The engine's words, fit for a log line and a header: one line of bounded length. Cut between
/// characters, never inside one.
std::string cleaned(std::string_view words) {
  std::string out;
  for (const char c : words) {
    const auto byte = static_cast<unsigned char>(c);
    const bool starts_character = (byte & 0xC0U) != 0x80U;
    if (out.size() + 4 > kMaxErrorText && starts_character) break;
    out.push_back(byte < 0x20 || byte == 0x7F ? ' ' : c);
  }
  return out;
}

/// The error member: a text, or (of /server/api) an object with a message.
std::optional<std::string> error_text(const rapidjson::Value& answer) {
  const auto* const error = member(answer, "error");
  if (error == nullptr || error->IsNull()) return std::nullopt;
  if (error->IsBool() && !error->GetBool()) return std::nullopt;
  if (error->IsString()) {
    if (error->GetStringLength() == 0) return std::nullopt;
    return cleaned(text(*error));
  }
  const auto message = text_of(*error, "message");
  return message.empty() ? std::string{"unspecified error"} : cleaned(message);
}

std::optional<std::int64_t> as_number(double value) {
  // The double just above the largest int64: converting that or more is undefined.
  constexpr double kLimit = 9223372036854775808.0;
  if (!(value > -kLimit && value < kLimit)) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

std::optional<std::int64_t> as_number(std::string_view digits) {
  std::int64_t value{};
  const auto* const end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, value);
  if (read.ec != std::errc{}) return std::nullopt;
  if (read.ptr == end) return value;
  double fraction{};  // "1440679432.25"
  const auto again = std::from_chars(digits.data(), end, fraction);
  if (again.ec != std::errc{} || again.ptr != end) return std::nullopt;
  return as_number(fraction);
}

}  // namespace

Result<const rapidjson::Value*> parse_envelope(rapidjson::Document& document,
                                               std::string_view json) {
  if (json.size() > kMaxAnswerBytes) return fail(Errc::TooLarge, "answer too large");
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  rapidjson::MemoryStream bytes{json.data(), json.size()};
  rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream{bytes};
  document.ParseStream<kFlags, rapidjson::UTF8<>>(stream);
  if (document.HasParseError() || !document.IsObject()) {
    return fail(Errc::Protocol, "answer is not a json object");
  }
  if (auto refusal = error_text(document)) return fail(Errc::Refused, std::move(*refusal));
  const auto* payload = member(document, "response");
  if (payload == nullptr) payload = member(document, "result");
  if (payload == nullptr || payload->IsNull()) {
    return fail(Errc::Protocol, "answer without a response");
  }
  return payload;
}

std::string_view text_of(const rapidjson::Value& object, const char* name) {
  const auto* const value = member(object, name);
  return value != nullptr && value->IsString() ? text(*value) : std::string_view{};
}

std::int64_t number_of(const rapidjson::Value& object, const char* name, std::int64_t fallback) {
  const auto* const value = member(object, name);
  if (value == nullptr) return fallback;
  if (value->IsBool()) return value->GetBool() ? 1 : 0;
  if (value->IsInt64()) return value->GetInt64();
  if (value->IsNumber()) return as_number(value->GetDouble()).value_or(fallback);
  if (value->IsString()) return as_number(text(*value)).value_or(fallback);
  return fallback;
}

const rapidjson::Value* object_of(const rapidjson::Value& object, const char* name) {
  const auto* const value = member(object, name);
  return value != nullptr && value->IsObject() ? value : nullptr;
}

}  // namespace ace::proto::engine
