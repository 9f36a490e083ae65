#include "tests/engine_sim/engine_json.h"

#include <fmt/format.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cmath>

namespace ace::sim {
namespace {

using Buffer = rapidjson::StringBuffer;
using Writer = rapidjson::Writer<Buffer>;

constexpr int kVersionCode = 3017000;

void text(Writer& writer, const char* name, std::string_view value) {
  writer.Key(name);
  writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

void number(Writer& writer, const char* name, std::int64_t value, const Faults& faults) {
  if (faults.has(Fault::StringNumbers)) return text(writer, name, std::to_string(value));
  writer.Key(name);
  writer.Int64(value);
}

template <class Fill>
std::string object(const Fill& fill) {
  Buffer buffer;
  Writer writer{buffer};
  writer.StartObject();
  fill(writer);
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

void null_error(Writer& writer) {
  writer.Key("error");
  writer.Null();
}

std::string session_path(const char* kind, const Session& session) {
  return fmt::format("/ace/{}/{}/{}", kind, session.infohash, session.key);
}

void version(Writer& writer) {
  writer.StartObject();
  writer.Key("code");
  writer.Int(kVersionCode);
  text(writer, "platform", "linux");
  text(writer, "version", kEngineVersion);
  writer.EndObject();
}

/// All as strings: so the engine writes it, whatever else it writes.
void live_position(Writer& writer, WallTime now) {
  const auto seconds = static_cast<std::int64_t>(std::floor(unix_seconds(now)));
  writer.Key("livepos");
  writer.StartObject();
  for (const auto* name : {"first_ts", "live_first"}) {
    text(writer, name, std::to_string(seconds - 1800));
  }
  for (const auto* name : {"last_ts", "live_last", "last"}) {
    text(writer, name, std::to_string(seconds));
  }
  text(writer, "pos", std::to_string(seconds - 15));
  text(writer, "buffer_pieces", "15");
  text(writer, "is_live", "1");
  writer.EndObject();
}

}  // namespace

std::string playback_path(const Session& session) { return session_path("r", session); }

std::string getstream_json(const Session& session, const std::string& base, const Request& request,
                           const Faults& faults) {
  return object([&](Writer& writer) {
    writer.Key("response");
    writer.StartObject();
    text(writer, "playback_url", base + playback_path(session));
    if (!faults.has(Fault::NoStatUrl))
      text(writer, "stat_url", base + session_path("stat", session));
    text(writer, "command_url", base + session_path("cmd", session));
    if (request.parameter("use_api_events") == "1") {
      text(writer, "event_url", base + session_path("event", session));
    }
    text(writer, "infohash", session.infohash);
    text(writer, "playback_session_id", session.id);
    number(writer, "is_live", faults.has(Fault::Vod) ? 0 : 1, faults);
    number(writer, "is_encrypted", faults.has(Fault::Encrypted) ? 1 : 0, faults);
    const auto client = request.parameter("client_session_id");
    number(writer, "client_session_id", client.empty() ? -1 : std::atoll(client.c_str()), faults);
    writer.EndObject();
    null_error(writer);
  });
}

std::string stat_json(const Session& session, const Faults& faults, WallTime now) {
  return object([&](Writer& writer) {
    const bool is_live = !faults.has(Fault::Vod);
    const bool is_playing = session.bytes_sent > 0;
    writer.Key("response");
    writer.StartObject();
    text(writer, "status", is_playing ? "dl" : "prebuf");
    const bool is_fed = !faults.has(Fault::NoPeers);
    number(writer, "peers", is_fed ? 12 : 0, faults);
    number(writer, "speed_down", is_playing && is_fed ? 1024 : 0, faults);
    number(writer, "speed_up", 64, faults);
    number(writer, "downloaded", static_cast<std::int64_t>(session.bytes_sent), faults);
    number(writer, "uploaded", static_cast<std::int64_t>(session.bytes_sent / 16), faults);
    number(writer, "total_progress", 0, faults);
    number(writer, "selected_stream_index", 0, faults);
    number(writer, "selected_file_index", -1, faults);
    number(writer, "client_session_id", -1, faults);
    text(writer, "playback_session_id", session.id);
    number(writer, "is_live", is_live ? 1 : 0, faults);
    number(writer, "is_encrypted", faults.has(Fault::Encrypted) ? 1 : 0, faults);
    text(writer, "infohash", session.infohash);
    if (is_live) live_position(writer, now);
    writer.EndObject();
    null_error(writer);
  });
}

std::string event_json(const Session& session) {
  const bool is_superseded = session.state == SessionState::Superseded;
  return object([&](Writer& writer) {
    writer.Key("response");
    writer.StartObject();
    text(writer, "name", "download_stopped");
    writer.Key("params");
    writer.StartObject();
    text(writer, "reason", is_superseded ? "got newer download" : "stopped");
    writer.EndObject();
    writer.EndObject();
    null_error(writer);
  });
}

std::string playback_error_json(std::string_view error) {
  return object([&](Writer& writer) {
    writer.Key("response");
    writer.Null();
    text(writer, "error", error);
  });
}

std::string version_json(const Request& request) {
  auto json = object([&](Writer& writer) {
    writer.Key("result");
    version(writer);
    null_error(writer);
  });
  const auto callback = request.parameter("callback");
  if (request.parameter("format") != "jsonp" || callback.empty()) return json;
  return callback + "(" + json + ")";
}

std::string server_api_json(const std::string& method) {
  return object([&](Writer& writer) {
    if (method == "get_status") {
      writer.Key("result");
      writer.StartObject();
      writer.Key("version");
      version(writer);
      writer.Key("playlist_loaded");
      writer.Bool(true);
      writer.EndObject();
    } else if (method == "get_network_connection_status") {
      writer.Key("result");
      writer.StartObject();
      writer.Key("connected");
      writer.Bool(true);
      writer.EndObject();
    } else {
      writer.Key("error");
      writer.StartObject();
      text(writer, "message", "unknown method");
      writer.Key("code");
      writer.Int(1);
      writer.EndObject();
    }
  });
}

}  // namespace ace::sim
