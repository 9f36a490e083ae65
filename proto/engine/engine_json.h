#pragma once

#include <rapidjson/document.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/result.h"

/// Reading of untrusted JSON, private to this folder. RapidJSON as it comes recurses (200 000 "["
/// end the process), takes broken UTF-8, and asserts on a missing member: none of it here.
namespace ace::proto::engine {

/// The answer's payload: the object under "response" (or "result") when the engine reports no
/// error. Valid as long as `document`, which is filled by it.
[[nodiscard]] Result<const rapidjson::Value*> parse_envelope(rapidjson::Document& document,
                                                             std::string_view json);

/// Members of an object. What is absent, null or of another type reads as empty or as `fallback`:
/// engine versions differ in what they send. Numbers may come as strings, booleans as numbers.
[[nodiscard]] std::string_view text_of(const rapidjson::Value& object, const char* name);
[[nodiscard]] std::int64_t number_of(const rapidjson::Value& object, const char* name,
                                     std::int64_t fallback = 0);
[[nodiscard]] const rapidjson::Value* object_of(const rapidjson::Value& object, const char* name);

}  // namespace ace::proto::engine
