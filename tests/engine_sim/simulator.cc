#include "tests/engine_sim/simulator.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <charconv>

#include "tests/engine_sim/engine_json.h"

namespace ace::sim {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

/// How late a packet may leave; shorter costs a send for fewer bytes.
constexpr std::chrono::milliseconds kTick{10};

void key(Writer& writer, std::string_view name) {
  writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
}

void number(Writer& writer, std::string_view name, std::uint64_t value) {
  key(writer, name);
  writer.Uint64(value);
}

void text(Writer& writer, std::string_view name, std::string_view value) {
  key(writer, name);
  writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

void write_streams(Writer& writer, const StreamLedger& ledger) {
  key(writer, "streams");
  writer.StartObject();
  for (const auto& [infohash, counts] : ledger.streams()) {
    key(writer, infohash);
    writer.StartObject();
    number(writer, "opened", counts.opened);
    number(writer, "alive", counts.alive);
    number(writer, "max_alive", counts.max_alive);
    number(writer, "bytes_sent", counts.bytes_sent);
    key(writer, "ids");
    writer.StartArray();
    for (const auto& id : counts.ids) writer.String(id.c_str());
    writer.EndArray();
    writer.EndObject();
  }
  writer.EndObject();
}

void write_engine(Writer& writer, const Engine& engine) {
  const auto& total = engine.streams().total();
  writer.StartObject();
  text(writer, "address", engine.address());
  text(writer, "version", kEngineVersion);
  number(writer, "sessions_opened", total.opened);
  number(writer, "sessions_alive", total.alive);
  number(writer, "sessions_max_alive", total.max_alive);
  number(writer, "bytes_sent", total.bytes_sent);
  number(writer, "stops_received", engine.counts().stops_received);
  number(writer, "playbacks_opened", engine.counts().playbacks_opened);
  number(writer, "playback_connections", engine.playback_connections());
  number(writer, "last_begin_ns",
         static_cast<std::uint64_t>(engine.counts().last_begin.time_since_epoch().count()));
  key(writer, "requests");
  writer.StartObject();
  for (const auto& [endpoint, count] : engine.counts().requests) number(writer, endpoint, count);
  writer.EndObject();
  key(writer, "faults");
  writer.StartObject();
  for (const auto& [fault, value] : engine.faults().active()) {
    text(writer, Faults::name_of(fault), value);
  }
  writer.EndObject();
  write_streams(writer, engine.streams());
  writer.EndObject();
}

}  // namespace

Simulator::Simulator(loop::Loop& loop, const SimulatorOptions& options,
                     const SourceFactory& make_source)
    : loop_{loop}, options_{options}, control_{loop, [this](UniqueFd fd) {
                                                 control_connections_.push_back(
                                                     std::make_unique<Connection>(
                                                         loop_, 0, std::move(fd),
                                                         [this](Connection& asking,
                                                                const Request& request) {
                                                           asking.finish_with(answer(request, 0));
                                                         }));
                                               }} {
  for (std::size_t i = 0; i < options_.engines.size(); ++i) {
    engines_.push_back(
        std::make_unique<Engine>(loop, options_.engine, make_source, all_streams_,
                                 [this, i](const Request& request) { return answer(request, i); }));
  }
  timer_ = loop::UvTimerFactory{loop}.make();
}

Status Simulator::listen() {
  for (std::size_t i = 0; i < engines_.size(); ++i) {
    if (auto status = engines_[i]->listen(options_.engines[i]); !status) return status;
  }
  if (!options_.control.empty()) {
    if (auto status = control_.bind(options_.control); !status) return status;
  }
  timer_->every(kTick, [this] { tick(); });
  return {};
}

std::string Simulator::engine_addresses() const {
  std::string lines;
  for (const auto& engine : engines_) lines += engine->address() + "\n";
  return lines;
}

void Simulator::tick() {
  const auto now = clock_.now();
  for (auto& engine : engines_) engine->tick(now);
  std::erase_if(control_connections_, [](const auto& one) { return one->is_closed(); });
}

std::string Simulator::answer(const Request& request, std::size_t default_engine) {
  if (request.path == "/sim/state") {
    return make_reply("200 OK", "application/json", state_json());
  }
  if (request.path == "/sim/fault" && request.method == "POST") {
    return set_fault(request, default_engine);
  }
  return make_reply("404 Not Found", "text/plain", "GET /sim/state or POST /sim/fault\n");
}

std::string Simulator::set_fault(const Request& request, std::size_t default_engine) {
  auto engine = default_engine;
  const auto wanted = request.parameter("engine");
  if (!wanted.empty()) {
    std::from_chars(wanted.data(), wanted.data() + wanted.size(), engine);
  }
  if (engine >= engines_.size()) {
    return make_reply("400 Bad Request", "text/plain", "no such engine\n");
  }
  const auto name = request.parameter("name");
  if (name == "none") {
    engines_[engine]->clear_faults();
    return make_reply("200 OK", "text/plain", "cleared\n");
  }
  const auto fault = Faults::parse(name);
  if (!fault) return make_reply("400 Bad Request", "text/plain", fault.error().text + "\n");
  engines_[engine]->set_fault(*fault, request.parameter("value"));
  return make_reply("200 OK", "text/plain", "set\n");
}

std::string Simulator::state_json() const {
  rapidjson::StringBuffer buffer;
  Writer writer{buffer};
  writer.StartObject();
  key(writer, "engines");
  writer.StartArray();
  for (const auto& engine : engines_) write_engine(writer, *engine);
  writer.EndArray();
  write_streams(writer, all_streams_);
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace ace::sim
