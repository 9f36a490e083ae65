#include "workers/http/status_handler.h"

#include <fmt/format.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <ctime>
#include <utility>

#include "workers/http/router.h"

namespace ace::http {
namespace {

using JsonWriter = rapidjson::Writer<rapidjson::StringBuffer>;

void write(JsonWriter& out, std::string_view key, std::string_view value) {
  out.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
  out.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

void write(JsonWriter& out, std::string_view key, std::uint64_t value) {
  out.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
  out.Uint64(value);
}

std::string iso_time(std::int64_t unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     unix_ms % 1000);
}

/// "started" is the ancestors' word for a stream that delivers.
std::string_view status_of(host::StreamPhase phase) {
  switch (phase) {
    case host::StreamPhase::Starting:
      return "starting";
    case host::StreamPhase::Streaming:
      return "started";
    case host::StreamPhase::Stopping:
      return "stopping";
  }
  return "unknown";
}

}  // namespace

StatusHandler::StatusHandler(streams::StreamServices& services, std::string hostname,
                             const Answers& answers)
    : services_{services}, hostname_{std::move(hostname)}, answers_{answers} {}

void StatusHandler::health(Connection& connection, const proto::http::Request& request) const {
  rapidjson::StringBuffer buffer;
  JsonWriter out{buffer};
  out.StartObject();
  write(out, "status", "ok");
  write(out, "worker", services_.worker_id.value);
  write(out, "redis", services_.redis_is_up() ? "up" : "down");
  out.EndObject();
  answer(connection, request, answers_.json(request, 200, {buffer.GetString(), buffer.GetSize()}));
}

void StatusHandler::streams(Connection& connection, const proto::http::Request& request) const {
  const auto status = request.query("status");
  if (status && *status != "started" && *status != "all") {
    answer(connection, request,
           answers_.error(request, 400, "bad_status", "status is started or all"));
    return;
  }
  answer(connection, request, answers_.json(request, 200, streams_json(status == "started")));
}

std::string StatusHandler::streams_json(bool started_only) const {
  rapidjson::StringBuffer buffer;
  JsonWriter out{buffer};
  out.StartArray();
  for (const auto& stream : services_.table().list(services_.board())) {
    if (started_only && stream.phase != host::StreamPhase::Streaming) continue;
    out.StartObject();
    write(out, "id", stream.id.text());
    write(out, "key", stream.id.text());
    write(out, "infohash", stream.infohash);
    write(out, "container_id", stream.engine_id);
    write(out, "status", status_of(stream.phase));
    write(out, "clients", stream.viewers);
    const auto& owner = services_.board().slots[stream.owner.slot];
    write(out, "owner",
          stream.owner.generation == 0
              ? std::string{}
              : fmt::format("{}:{}", hostname_, owner.pid.load(std::memory_order_relaxed)));
    write(out, "started_at", iso_time(stream.started_at_ms));
    write(out, "epoch", stream.epoch.value);
    write(out, "index", stream.index.value);
    out.EndObject();
  }
  out.EndArray();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace ace::http
