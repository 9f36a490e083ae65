#include "workers/http/status_handler.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "shared/metrics/text_page.h"
#include "shared/os/cpu_time.h"
#include "workers/http/json_text.h"
#include "workers/http/router.h"
#include "workers/http/stream_row.h"
#include "workers/metrics/host_metrics.h"

namespace ace::http {
namespace {

std::string_view phase_of(host::WorkerPhase phase) {
  switch (phase) {
    case host::WorkerPhase::Empty:
      return "empty";
    case host::WorkerPhase::Starting:
      return "starting";
    case host::WorkerPhase::Serving:
      return "serving";
    case host::WorkerPhase::Draining:
      return "draining";
  }
  return "unknown";
}

}  // namespace

StatusHandler::StatusHandler(streams::StreamServices& services, std::string hostname,
                             const Answers& answers)
    : services_{services},
      hostname_{std::move(hostname)},
      answers_{answers},
      metrics_{services.clock, os::thread_cpu_time},
      all_streams_{services.clock, os::thread_cpu_time},
      started_streams_{services.clock, os::thread_cpu_time},
      workers_{services.clock, os::thread_cpu_time} {}

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
  const bool started_only = status == "started";
  auto& page = started_only ? started_streams_ : all_streams_;
  answer(connection, request, answers_.built(request, proto::http::kJsonType, [&] {
    return page.get([&] { return streams_json(started_only); });
  }));
}

void StatusHandler::workers(Connection& connection, const proto::http::Request& request) const {
  answer(connection, request, answers_.built(request, proto::http::kJsonType, [&] {
    return workers_.get([&] { return workers_json(); });
  }));
}

void StatusHandler::metrics(Connection& connection, const proto::http::Request& request) const {
  answer(connection, request, answers_.built(request, metrics::TextPage::kContentType, [&] {
    return metrics_.get([&] {
      return metrics::host_metrics(services_.board(), services_.table().list(services_.board()));
    });
  }));
}

std::string StatusHandler::streams_json(bool started_only) const {
  rapidjson::StringBuffer buffer;
  JsonWriter out{buffer};
  auto rows = services_.table().list(services_.board());
  if (!started_only) {
    auto failed = services_.table().failed(services_.board());
    std::ranges::move(failed, std::back_inserter(rows));
  }
  out.StartArray();
  for (const auto& stream : rows) {
    if (started_only && stream.phase != host::StreamPhase::Streaming) continue;
    out.StartObject();
    const auto& owner = services_.board().slots[stream.owner.slot];
    write_members(out, stream, stream.owner.generation == 0 ? std::string{} : worker_id(owner));
    out.EndObject();
  }
  out.EndArray();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string StatusHandler::workers_json() const {
  rapidjson::StringBuffer buffer;
  JsonWriter out{buffer};
  out.StartArray();
  const auto& slots = services_.board().slots;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const auto& slot = slots[i];
    const auto phase = slot.phase.load(std::memory_order_relaxed);
    const auto pid = slot.pid.load(std::memory_order_relaxed);
    if (phase == host::WorkerPhase::Empty || pid == 0) continue;  // 0: it is being forked
    out.StartObject();
    write(out, "id", worker_id(slot));
    write(out, "slot", i);
    write(out, "pid", static_cast<std::uint64_t>(pid));
    write(out, "phase", phase_of(phase));
    write(out, "clients", slot.clients);
    write(out, "connections", slot.connections);
    write(out, "owned_streams", slot.owned_streams);
    write(out, "requests", slot.requests);
    write(out, "bytes_from_engines", slot.bytes_from_engines);
    write(out, "bytes_to_clients", slot.bytes_to_clients);
    write(out, "chunks_fetched", slot.chunks_fetched);
    write(out, "chunks_skipped", slot.chunks_skipped);
    write(out, "clients_skipped", slot.clients_skipped);
    out.Key("redis_is_up");
    out.Bool(slot.redis_is_up != 0);
    out.EndObject();
  }
  out.EndArray();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string StatusHandler::worker_id(const host::SlotBoard& slot) const {
  return fmt::format("{}:{}", hostname_, slot.pid.load(std::memory_order_relaxed));
}

}  // namespace ace::http
