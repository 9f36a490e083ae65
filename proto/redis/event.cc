#include "proto/redis/event.h"

#include <rapidjson/document.h>

#include <algorithm>
#include <array>

#include "shared/json/json_writer.h"

namespace ace::proto {
namespace {

/// Ours are below 200 bytes; a channel is open to anyone with the password.
constexpr std::size_t kMaxEventBytes = 4096;

struct TypeWord {
  EventType type;
  std::string_view word;
};
constexpr std::array kTypeWords{
    TypeWord{EventType::StreamStarted, "stream_started"},
    TypeWord{EventType::Chunk, "chunk"},
    TypeWord{EventType::OwnerChanged, "owner_changed"},
    TypeWord{EventType::EngineChanged, "engine_changed"},
    TypeWord{EventType::Leaving, "leaving"},
    TypeWord{EventType::ClientConnected, "client_connected"},
    TypeWord{EventType::ClientDisconnected, "client_disconnected"},
    TypeWord{EventType::Stopping, "stopping"},
    TypeWord{EventType::Stopped, "stopped"},
    TypeWord{EventType::Migrate, "migrate"},
    TypeWord{EventType::End, "end"},
    TypeWord{EventType::Kick, "kick"},
    TypeWord{EventType::Yield, "yield"},
};

std::uint64_t number(const rapidjson::Value& object, const char* name) {
  const auto member = object.FindMember(name);
  return member != object.MemberEnd() && member->value.IsUint64() ? member->value.GetUint64() : 0;
}

std::string text(const rapidjson::Value& object, const char* name) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd() || !member->value.IsString()) return {};
  return {member->value.GetString(), member->value.GetStringLength()};
}

bool flag(const rapidjson::Value& object, const char* name) {
  const auto member = object.FindMember(name);
  return member != object.MemberEnd() && member->value.IsTrue();
}

class JsonObject {
 public:
  JsonObject() { writer_.StartObject(); }
  void add(std::string_view name, std::uint64_t value) {
    key(name);
    writer_.Uint64(value);
  }
  void add(std::string_view name, std::string_view value) {
    key(name);
    writer_.String(value);
  }
  void add_true(std::string_view name) {
    key(name);
    writer_.Bool(true);
  }
  [[nodiscard]] std::string finish() {
    writer_.EndObject();
    return {buffer_.GetString(), buffer_.GetSize()};
  }

 private:
  void key(std::string_view name) { writer_.Key(name); }
  rapidjson::StringBuffer buffer_;
  json::JsonWriter writer_{buffer_};
};

}  // namespace

std::string_view to_string(EventType type) {
  const auto found = std::ranges::find(kTypeWords, type, &TypeWord::type);
  return found == kTypeWords.end() ? std::string_view{"unknown"} : found->word;
}

std::string to_json(const Event& event) {
  JsonObject json;
  json.add("v", kEventVersion);
  json.add("event", to_string(event.type));
  if (event.epoch.value != 0) json.add("epoch", event.epoch.value);
  using enum EventType;
  if (event.type == Chunk || event.type == OwnerChanged) json.add("index", event.index.value);
  if (event.is_skipped) json.add_true("skipped");
  if (!event.worker.value.empty()) json.add("worker", event.worker.value);
  if (!event.client.value.empty()) json.add("client", event.client.value);
  if (!event.engine.empty()) json.add("engine", event.engine);
  if (event.type == ClientConnected || event.type == ClientDisconnected) {
    json.add("remaining", event.remaining);
  }
  return json.finish();
}

Result<std::optional<Event>> parse_event(std::string_view json) {
  if (json.size() > kMaxEventBytes) return fail(Errc::TooLarge, "event: too long");
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  rapidjson::Document document;
  document.Parse<kFlags>(json.data(), json.size());
  if (document.HasParseError() || !document.IsObject()) {
    return fail(Errc::Protocol, "event: not a JSON object");
  }
  const std::string word = text(document, "event");
  if (word.empty()) return fail(Errc::Protocol, "event: has no name");
  const auto known = std::ranges::find(kTypeWords, std::string_view{word}, &TypeWord::word);
  if (number(document, "v") != kEventVersion || known == kTypeWords.end()) {
    return std::optional<Event>{};
  }
  Event event;
  event.type = known->type;
  event.epoch = OwnerEpoch{number(document, "epoch")};
  event.index = ChunkIndex{number(document, "index")};
  event.is_skipped = flag(document, "skipped");
  event.worker = WorkerId{text(document, "worker")};
  event.client = ClientId{text(document, "client")};
  event.engine = text(document, "engine");
  event.remaining = number(document, "remaining");
  return std::optional<Event>{std::move(event)};
}

}  // namespace ace::proto
