#include "proto/engine/engine_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "proto/engine/engine_json.h"
#include "shared/base/text.h"
#include "shared/json/json_writer.h"

namespace ace::proto::engine {
namespace {

constexpr std::size_t kMaxHostBytes = 253;
constexpr std::int64_t kMostStreams = 10'000;
constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// A name or an address, IPv6 without brackets: nothing that could end the host of a url.
bool is_host(std::string_view text) {
  const auto is_fit = [](char c) {
    return is_letter_or_digit(c) || c == '.' || c == '-' || c == '_' || c == ':';
  };
  return !text.empty() && text.size() <= kMaxHostBytes && std::ranges::all_of(text, is_fit);
}

bool is_name(std::string_view text) {
  const auto is_fit = [](char c) {
    return is_letter_or_digit(c) || c == '.' || c == '-' || c == '_' || c == ':';
  };
  return text.size() <= kMaxNameBytes && std::ranges::all_of(text, is_fit);
}

Result<ListedEngine> read_engine(const rapidjson::Value& object, const char* name) {
  ListedEngine engine;
  engine.name = text_of(object, name);
  engine.address.host = text_of(object, "host");
  const auto port = number_of(object, "port");
  const auto max_streams = number_of(object, "max_streams");
  if (!is_host(engine.address.host)) {
    return fail(Errc::InvalidArgument, "\"host\" is no name or address");
  }
  if (port < 1 || port > 65535) return fail(Errc::InvalidArgument, "\"port\" is not 1..65535");
  if (!is_name(engine.name)) {
    return fail(Errc::InvalidArgument,
                "\"name\" takes letters, digits, '.', '-', '_' and ':', at most 100");
  }
  if (max_streams < 0 || max_streams > kMostStreams) {
    return fail(Errc::InvalidArgument, "\"max_streams\" is not 0..10000");
  }
  engine.address.port = static_cast<std::uint16_t>(port);
  engine.is_forwarded = number_of(object, "forwarded") != 0;
  engine.max_streams = static_cast<std::uint32_t>(max_streams);
  return engine;
}

struct Member {
  std::string_view name;
  std::string_view type;
  bool (*is_of_type)(const rapidjson::Value&);
};
bool is_text(const rapidjson::Value& value) { return value.IsString(); }
bool is_number(const rapidjson::Value& value) { return value.IsNumber(); }
bool is_number_or_text(const rapidjson::Value& value) { return is_number(value) || is_text(value); }
bool is_flag(const rapidjson::Value& value) { return value.IsBool(); }
constexpr std::array kMembers{
    Member{"host", "a text", is_text},
    Member{"port", "a number", is_number_or_text},
    Member{"name", "a text", is_text},
    Member{"forwarded", "true or false", is_flag},
    Member{"max_streams", "a number", is_number},
};

Status check_members(const rapidjson::Value& object) {
  for (const auto& [name, value] : object.GetObject()) {
    const auto text = outside_text({name.GetString(), name.GetStringLength()}, kMaxNameBytes);
    const auto* const member = std::ranges::find(kMembers, text, &Member::name);
    if (member == kMembers.end()) {
      return fail(Errc::InvalidArgument,
                  fmt::format("\"{}\" is none of host, port, name, forwarded, max_streams", text));
    }
    if (!member->is_of_type(value)) {
      return fail(Errc::InvalidArgument, fmt::format("\"{}\" is not {}", text, member->type));
    }
  }
  return {};
}

Status parse_body(rapidjson::Document& document, std::string_view json) {
  document.Parse<kFlags>(json.data(), json.size());
  if (document.HasParseError() || !document.IsObject()) {
    return fail(Errc::InvalidArgument, "not a json object");
  }
  return {};
}

}  // namespace

Result<ListedEngine> parse_listed_engine(std::string_view json) {
  rapidjson::Document document;
  if (auto parsed = parse_body(document, json); !parsed) return fail(std::move(parsed).error());
  return read_engine(document, "name");
}

Result<ListedEngine> parse_new_engine(std::string_view json) {
  rapidjson::Document document;
  if (auto parsed = parse_body(document, json); !parsed) return fail(std::move(parsed).error());
  if (auto fits = check_members(document); !fits) return fail(std::move(fits).error());
  return read_engine(document, "name");
}

std::string to_json(const ListedEngine& engine) {
  rapidjson::StringBuffer buffer;
  json::JsonWriter out{buffer};
  out.StartObject();
  json::write(out, "host", engine.address.host);
  json::write(out, "port", std::uint64_t{engine.address.port});
  if (!engine.name.empty()) json::write(out, "name", engine.name);
  json::write_flag(out, "forwarded", engine.is_forwarded);
  json::write(out, "max_streams", std::uint64_t{engine.max_streams});
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

Result<std::vector<ListedEngine>> parse_orchestrator(std::string_view json) {
  if (json.size() > kMaxListBytes) return fail(Errc::TooLarge, "answer too large");
  rapidjson::Document document;
  document.Parse<kFlags>(json.data(), json.size());
  if (document.HasParseError() || !document.IsArray()) {
    return fail(Errc::Protocol, "answer is not a json array");
  }
  std::vector<ListedEngine> engines;
  for (const auto& entry : document.GetArray()) {
    if (engines.size() >= kMaxListed) break;
    if (!entry.IsObject() || text_of(entry, "health_status") == "unhealthy") continue;
    if (auto engine = read_engine(entry, "container_id")) engines.push_back(std::move(*engine));
  }
  return engines;
}

}  // namespace ace::proto::engine
