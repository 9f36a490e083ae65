#include "workers/engines/runtime_engines.h"

#include <fmt/format.h>

#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/ownership/replies.h"
#include "proto/redis/redis_keys.h"
#include "shared/base/text.h"
#include "shared/log/log.h"

namespace ace::engines {
namespace {

using std::chrono::milliseconds;

/// Who did not hear of a change finds it by itself.
constexpr milliseconds kReadEvery{5'000};
/// A list that no proxy has read for so long is nobody's any more.
constexpr std::chrono::seconds kLife{std::chrono::hours{24} * 30};
/// Counts the changes, and stays when the last engine is removed: a list without it is one that
/// Redis lost. No engine can have that id.
constexpr const char* kChanges = "#";
/// In front of the id of an engine that is being drained. No engine can have such an id either.
constexpr std::string_view kDrain = "#drain:";
constexpr const char* kNews = R"({"v":1,"event":"engines_changed"})";

void ignore(const Result<redis::Reply>& /*reply*/) {}

std::string id_of(const proto::engine::ListedEngine& engine) {
  return engine.name.empty() ? engine.address.text() : engine.name;
}

}  // namespace

RuntimeEngines::RuntimeEngines(Parts parts, std::uint32_t max_streams)
    : parts_{parts},
      max_streams_{max_streams},
      timer_{parts.timers.make()},
      alive_{std::make_shared<RuntimeEngines*>(this)} {
  parts_.events.watch(proto::engines_channel(), [weak = std::weak_ptr{alive_}] {
    if (const auto self = weak.lock()) (*self)->refresh();
  });
  timer_->every(kReadEvery, [this] { refresh(); });
}

void RuntimeEngines::stop() {
  timer_->stop();
  alive_.reset();
}

void RuntimeEngines::refresh() {
  if (!parts_.commands.is_up()) return;
  parts_.commands.command({"HGETALL", proto::engines_key()},
                          [weak = std::weak_ptr{alive_}](const Result<redis::Reply>& reply) {
                            if (const auto self = weak.lock()) (*self)->on_read(reply);
                          });
}

void RuntimeEngines::on_read(const Result<redis::Reply>& reply) {
  if (!reply) return;
  Engines engines;
  bool is_remembered = false;
  for (auto& [id, json] : ownership::fields_of(*reply)) {
    if (id == kChanges) {
      is_remembered = true;
    } else if (engines.size() < proto::engine::kMaxListed) {
      engines.emplace(id, json);
    }
  }
  if (!is_remembered && !engines_.empty()) return restore();
  take(std::move(engines));
  if (is_remembered) touch();
  const auto owed = owed_drains_;
  for (const auto& [id, how] : owed) tell_drain(id, how, [] {});
}

void RuntimeEngines::restore() {
  log::info("engines_restored", "engines={}: redis had forgotten them", engines_.size());
  std::vector<std::string> command{"HSET", proto::engines_key(), kChanges, "1"};
  for (const auto& [id, json] : engines_) {
    command.push_back(id);
    command.push_back(json);
  }
  parts_.commands.command(std::move(command), ignore);
  touch();
}

void RuntimeEngines::touch() {
  parts_.commands.command({"EXPIRE", proto::engines_key(), fmt::to_string(kLife.count())}, ignore);
}

void RuntimeEngines::take(Engines engines) {
  const bool is_news = engines != engines_;
  engines_ = std::move(engines);
  mark_draining();  // always: this host's workers share the marks, and one of them may be behind
  if (!is_news) return;
  std::vector<EngineAddress> addresses;
  for (const auto& [id, json] : engines_) {
    if (id.starts_with(kDrain)) continue;
    const auto engine = proto::engine::parse_listed_engine(json);
    if (!engine || id_of(*engine) != id) {
      log::warn("engine_malformed", "engine={:?}", outside_text(id, proto::engine::kMaxNameBytes));
      continue;
    }
    addresses.push_back(
        {.host = engine->address.host,
         .port = engine->address.port,
         .name = engine->name,
         .forwarded = engine->is_forwarded,
         .max_streams = engine->max_streams != 0 ? engine->max_streams : max_streams_});
  }
  parts_.directory.set(EngineSource::Api, std::move(addresses));
}

void RuntimeEngines::add(const proto::engine::ListedEngine& engine, Done done) {
  const auto id = id_of(engine);
  const auto json = to_json(engine);
  parts_.commands.command({"HINCRBY", proto::engines_key(), kChanges, "1"}, ignore);
  parts_.commands.command(
      {"HSET", proto::engines_key(), id, json},
      [weak = std::weak_ptr{alive_}, id, json,
       done = std::move(done)](const Result<redis::Reply>& reply) {
        const auto self = weak.lock();
        if (!reply || !self) return done(reply ? Status{} : fail(reply.error()));
        auto engines = (*self)->engines_;
        engines[id] = json;
        (*self)->take(std::move(engines));
        (*self)->touch();
        (*self)->parts_.commands.command({"PUBLISH", proto::engines_channel(), kNews}, ignore);
        done({});
      });
}

void RuntimeEngines::remove(const std::string& id, Done done) {
  parts_.commands.command({"HINCRBY", proto::engines_key(), kChanges, "1"}, ignore);
  parts_.commands.command(
      {"HDEL", proto::engines_key(), id},
      [weak = std::weak_ptr{alive_}, id,
       done = std::move(done)](const Result<redis::Reply>& reply) {
        const auto removed = ownership::integer_of(reply);
        const auto self = weak.lock();
        if (!removed || !self) return done(removed ? Status{} : fail(removed.error()));
        auto engines = (*self)->engines_;
        engines.erase(id);
        (*self)->take(std::move(engines));
        (*self)->touch();
        (*self)->parts_.commands.command({"PUBLISH", proto::engines_channel(), kNews}, ignore);
        done(*removed == 1 ? Status{} : fail(Errc::NotFound, "no engine with that name was added"));
      });
}

void RuntimeEngines::mark_draining() {
  std::set<std::string> draining;
  for (const auto& [id, json] : engines_) {
    if (id.starts_with(kDrain)) draining.insert(id.substr(kDrain.size()));
  }
  for (const auto& [id, how] : owed_drains_) {
    if (how == Drain::Begin) {
      draining.insert(id);
    } else {
      draining.erase(id);
    }
  }
  parts_.table.set_draining(draining, parts_.clock.now());
}

void RuntimeEngines::drain(const std::string& id, Drain how, std::function<void()> done) {
  log::info(how == Drain::Begin ? "engine_draining" : "engine_drain_ended", "engine={}", id);
  owed_drains_.insert_or_assign(id, how);
  parts_.table.set_draining(id, how == Drain::Begin, parts_.clock.now());
  tell_drain(id, how, std::move(done));
}

void RuntimeEngines::tell_drain(const std::string& id, Drain how, std::function<void()> done) {
  const auto field = std::string{kDrain} + id;
  auto change = how == Drain::Begin
                    ? std::vector<std::string>{"HSET", proto::engines_key(), field, "1"}
                    : std::vector<std::string>{"HDEL", proto::engines_key(), field};
  parts_.commands.command({"HINCRBY", proto::engines_key(), kChanges, "1"}, ignore);
  parts_.commands.command(
      std::move(change), [weak = std::weak_ptr{alive_}, id, field, how,
                          done = std::move(done)](const Result<redis::Reply>& reply) {
        const auto self = weak.lock();
        if (self && reply) {
          auto& owed = (*self)->owed_drains_;
          const auto found = owed.find(id);
          if (found != owed.end() && found->second == how) owed.erase(found);
          auto engines = (*self)->engines_;
          if (how == Drain::Begin) {
            engines[field] = "1";
          } else {
            engines.erase(field);
          }
          (*self)->take(std::move(engines));
          (*self)->touch();
          (*self)->parts_.commands.command({"PUBLISH", proto::engines_channel(), kNews}, ignore);
        }
        done();
      });
}

}  // namespace ace::engines
