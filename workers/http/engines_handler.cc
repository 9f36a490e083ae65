#include "workers/http/engines_handler.h"

#include <fmt/format.h>

#include <utility>

#include "proto/engine/engine_list.h"
#include "workers/http/json_text.h"
#include "workers/http/router.h"

namespace ace::http {
namespace {

using proto::http::Request;

constexpr std::size_t kMaxBody = 16U << 10U;

std::string_view health_of(const engines::EngineReport& report) {
  switch (report.state.health) {
    case host::EngineHealth::Unknown:
      return "unknown";
    case host::EngineHealth::Healthy:
      return report.state.has_just_failed ? "just_failed" : "healthy";
    case host::EngineHealth::Unhealthy:
      return "unhealthy";
  }
  return "unknown";
}

void write(JsonWriter& out, const engines::EngineReport& report) {
  const auto& engine = report.engine.address;
  out.StartObject();
  http::write(out, "name", engine.id());
  http::write(out, "host", engine.host);
  http::write(out, "port", engine.port);
  http::write(out, "source", to_string(report.engine.source));
  write_flag(out, "listed", report.engine.is_listed);
  if (!report.engine.same_as.empty()) http::write(out, "same_as", report.engine.same_as);
  write_flag(out, "forwarded", engine.forwarded);
  http::write(out, "streams", report.streams);
  http::write(out, "max_streams", engine.max_streams);
  http::write(out, "health", health_of(report));
  write_flag(out, "draining", report.state.is_draining);
  http::write(out, "version", report.state.version);
  out.Key("last_error");
  if (report.state.error_at_ms == 0) {
    out.Null();
  } else {
    out.StartObject();
    http::write(out, "phase", report.state.error_phase);
    http::write(out, "message", report.state.error_text);
    http::write(out, "time", iso_time(report.state.error_at_ms));
    out.EndObject();
  }
  out.EndObject();
}

std::string to_json(const std::vector<engines::EngineReport>& reports) {
  rapidjson::StringBuffer buffer;
  JsonWriter out{buffer};
  out.StartArray();
  for (const auto& report : reports) write(out, report);
  out.EndArray();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string failure_text(const Answers& answers, const Request& request, const Error& why) {
  if (why.code == Errc::NotFound) return answers.error(request, 404, "not_found", why.text);
  return answers.error(request, 503, "no_redis",
                       "added engines are stored in Redis, which is not available");
}

}  // namespace

EnginesHandler::EnginesHandler(engines::EngineRegistry& engines, const Answers& answers)
    : engines_{engines}, answers_{answers}, alive_{std::make_shared<const EnginesHandler*>(this)} {}

void EnginesHandler::list(Connection& connection, const Request& request) const {
  if (request.method == proto::http::Method::Head) {
    answer(connection, request, answers_.built(request, proto::http::kJsonType, {}));
    return;
  }
  engines_.report([weak = std::weak_ptr{alive_}, &connection,
                   request](const std::vector<engines::EngineReport>& reports) {
    const auto self = weak.lock();
    if (self) answer(connection, request, (*self)->answers_.json(request, 200, to_json(reports)));
  });
}

std::string EnginesHandler::conflict_of(const std::string& id, const std::string& address) const {
  for (const auto& known : engines_.directory().known()) {
    const auto& engine = known.address;
    const bool is_replaced = known.source == engines::EngineSource::Api && engine.id() == id;
    if (!known.is_listed || is_replaced) continue;
    if (engine.id() != id && engine.authority().text() != address) continue;
    return fmt::format("engine {} at {} is there already (source: {})", engine.id(),
                       engine.authority().text(), to_string(known.source));
  }
  return {};
}

void EnginesHandler::add(Connection& connection, const Request& request) const {
  if (request.body.size() > kMaxBody) {
    answer(connection, request, answers_.error(request, 413, "too_large", "the body is too large"));
    return;
  }
  const auto engine = proto::engine::parse_new_engine(request.body);
  if (!engine) {
    answer(connection, request, answers_.error(request, 400, "bad_engine", engine.error().text));
    return;
  }
  const auto address = engine->address.text();
  const auto conflict = conflict_of(engine->name.empty() ? address : engine->name, address);
  if (!conflict.empty()) {
    answer(connection, request, answers_.error(request, 409, "exists", conflict));
    return;
  }
  engines_.runtime().add(*engine, [weak = std::weak_ptr{alive_}, &connection, request,
                                   json = proto::engine::to_json(*engine)](const Status& added) {
    const auto self = weak.lock();
    if (!self) return;
    const auto& answers = (*self)->answers_;
    answer(
        connection, request,
        added ? answers.json(request, 201, json) : failure_text(answers, request, added.error()));
  });
}

void EnginesHandler::remove(Connection& connection, const Request& request) const {
  const auto name = request.query("name");
  if (!name || name->empty()) {
    answer(connection, request, answers_.error(request, 400, "missing_name", "add ?name=…"));
    return;
  }
  if (!engines::RuntimeEngines::is_engine_id(*name)) {
    answer(connection, request,
           answers_.error(request, 404, "not_found", "no engine of that name was added"));
    return;
  }
  engines_.runtime().remove(std::string{*name}, [weak = std::weak_ptr{alive_}, &connection,
                                                 request](const Status& removed) {
    const auto self = weak.lock();
    if (!self) return;
    const auto& answers = (*self)->answers_;
    answer(connection, request,
           removed ? answers.json(request, 200, R"({"removed":true})")
                   : failure_text(answers, request, removed.error()));
  });
}

void EnginesHandler::drain(Connection& connection, const Request& request, Drain how) const {
  constexpr std::string_view kBefore = "/engines/";
  constexpr std::string_view kAfter = "/drain";
  const auto id =
      request.path().substr(kBefore.size(), request.path().size() - kBefore.size() - kAfter.size());
  if (engines_.directory().find(id) == nullptr) {
    answer(connection, request,
           answers_.error(request, 404, "not_found", "there is no engine with that name"));
    return;
  }
  engines_.runtime().drain(id, how, [weak = std::weak_ptr{alive_}, &connection, request, how] {
    const auto self = weak.lock();
    if (!self) return;
    const auto* json = how == Drain::Begin ? R"({"draining":true})" : R"({"draining":false})";
    answer(connection, request, (*self)->answers_.json(request, 200, json));
  });
}

}  // namespace ace::http
