#include "workers/engines/shared_selector.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "proto/redis/event.h"
#include "proto/redis/redis_keys.h"
#include "proto/redis/redis_scripts.h"
#include "shared/log/log.h"
#include "workers/engines/engine_failure.h"

namespace ace::engines {
namespace {

using host::EngineChoice;
using host::EnginePick;
using host::EngineTier;
using std::chrono::milliseconds;

/// Streams of one engine that other hosts are asked about.
constexpr int kMostAsked = 64;

const redis::Script& choose_script() {
  static const redis::Script script{proto::kChooseEngineScript};
  return script;
}

Result<EngineChoice> parse_choice(const Result<redis::Reply>& reply, std::size_t engines) {
  if (!reply) return fail(reply.error());
  const auto number = [&](std::size_t at) {
    return at < reply->elements.size() ? reply->elements[at].as_integer() : std::nullopt;
  };
  const auto place = number(0);
  const auto wait = number(1);
  if (!place || !wait || *place >= static_cast<std::int64_t>(engines)) {
    return fail(Errc::Protocol, "choice of an engine: the answer is malformed");
  }
  if (*place >= 0) {
    return EngineChoice{
        .pick = EnginePick::Chosen, .at = static_cast<std::size_t>(*place), .wait = {}};
  }
  if (*wait > 0)
    return EngineChoice{.pick = EnginePick::Wait, .at = 0, .wait = milliseconds{*wait}};
  return EngineChoice{};
}

std::int64_t unix_ms(const Clock& clock) {
  return std::chrono::duration_cast<milliseconds>(clock.wall_now().time_since_epoch()).count();
}

}  // namespace

SharedSelector::SharedSelector(Parts parts, SelectionTiming timing)
    : parts_{parts}, timing_{timing}, alive_{std::make_shared<SharedSelector*>(this)} {}

SharedSelector::~SharedSelector() = default;

void SharedSelector::choose(const proto::StreamId& stream, const ExcludedEngines& excluded,
                            Choice callback) {
  const auto asked = std::make_shared<Ask>();
  asked->excluded = excluded;
  asked->callback = std::move(callback);
  asked_[stream] = asked;
  ask(stream, asked);
}

std::vector<EngineFailure> SharedSelector::refusals(const ExcludedEngines& tried) const {
  std::vector<EngineFailure> refusals;
  for (const auto& engine : parts_.directory.engines()) {
    const auto id = engine.id();
    const bool is_draining = parts_.host.engines().is_draining(id);
    // What does not answer is tried, where nothing else is left; what has no limit has just come.
    if (tried.contains(id) || (!is_draining && engine.max_streams == 0)) continue;
    auto why = is_draining ? fmt::format("{}: is being drained", id)
                           : fmt::format("{}: is full: {} of {} streams", id, engine.max_streams,
                                         engine.max_streams);
    refusals.push_back({.engine_id = id, .error = {Errc::Busy, std::move(why)}});
  }
  return refusals;
}

bool SharedSelector::ask_for_room(const proto::StreamId& stream, const ExcludedEngines& excluded,
                                  unsigned attempt) {
  std::set<std::string> full;
  for (const auto& engine : parts_.directory.engines()) {
    const auto id = engine.id();
    const bool is_draining = parts_.host.engines().is_draining(id);
    if (engine.max_streams > 0 && !excluded.contains(id) && !is_draining) full.insert(id);
  }
  std::vector<proto::StreamId> idle;
  for (const auto& other : parts_.host.ownership().list(parts_.host.scoreboard())) {
    const bool is_idle = other.viewers == 0 && other.owner.generation != 0;
    if (is_idle && other.id != stream && full.contains(other.engine_id)) idle.push_back(other.id);
  }
  if (!idle.empty()) {
    parts_.host.orders().post(idle[attempt % idle.size()],
                              {.kind = host::OrderKind::Yield, .argument = {}});
  }
  const bool has_asked_all = attempt >= idle.size();
  if (has_asked_all && attempt <= idle.size() + 1) {
    for (const auto& engine : full) ask_other_hosts(engine);
  }
  return !full.empty();
}

void SharedSelector::ask_other_hosts(const std::string& engine_id) {
  if (!parts_.commands.is_up()) return;
  parts_.commands.command(
      {"ZRANGE", proto::engine_streams_key(engine_id), "0", fmt::to_string(kMostAsked - 1)},
      [weak = std::weak_ptr{alive_}](const Result<redis::Reply>& reply) {
        const auto self = weak.lock();
        if (!self || !reply) return;
        for (const auto& member : reply->elements) {
          const auto id = proto::StreamId::parse(member.text);
          if (!id) continue;
          (*self)->parts_.commands.command({"PUBLISH", proto::StreamKeys{*id}.events(),
                                            proto::to_json({.type = proto::EventType::Yield})},
                                           [](const Result<redis::Reply>&) {});
        }
      });
}

void SharedSelector::release(const proto::StreamId& stream) {
  const auto chosen = chosen_.find(stream);
  if (chosen != chosen_.end()) {
    parts_.commands.command(
        {"ZREM", proto::engine_streams_key(chosen->second), std::string{stream.text()}},
        [](const Result<redis::Reply>&) {});
  }
  forget(stream);
}

void SharedSelector::forget(const proto::StreamId& stream) {
  asked_.erase(stream);
  chosen_.erase(stream);
}

bool SharedSelector::is_current(const proto::StreamId& stream,
                                const std::shared_ptr<Ask>& asked) const {
  const auto found = asked_.find(stream);
  return found != asked_.end() && found->second == asked;
}

std::vector<host::EngineBid> SharedSelector::make_bids(const Ask& asked) const {
  std::vector<host::EngineBid> bids;
  bids.reserve(asked.engines.size());
  for (const auto& engine : asked.engines) {
    host::EngineBid bid;
    bid.id = engine.id();
    bid.is_forwarded = engine.forwarded;
    bid.max_streams = engine.max_streams;
    for (const auto& known : parts_.directory.known()) {
      if (known.same_as == bid.id) bid.other_names.push_back(known.address.id());
    }
    if (asked.excluded.contains(bid.id)) bid.tier = EngineTier::Excluded;
    bids.push_back(std::move(bid));
  }
  return bids;
}

void SharedSelector::ask(const proto::StreamId& stream, const std::shared_ptr<Ask>& asked) {
  const auto listed = parts_.directory.engines();
  asked->engines.assign(listed.begin(), listed.end());
  if (parts_.commands.is_up()) {
    ask_redis(stream, asked, make_bids(*asked));
    return;
  }
  parts_.loop.post([weak = std::weak_ptr{alive_}, stream, asked] {
    const auto self = weak.lock();
    if (self && (*self)->is_current(stream, asked)) (*self)->ask_host(stream, asked);
  });
}

void SharedSelector::ask_redis(const proto::StreamId& stream, const std::shared_ptr<Ask>& asked,
                               std::vector<host::EngineBid> bids) {
  parts_.host.engines().rate(bids, parts_.clock.now(), timing_.settle);
  // What Redis does not know (yet): streams that were started while it was away.
  host::count_loads(parts_.host.ownership(), parts_.host.scoreboard(), stream, bids);
  std::vector<std::string> args{std::string{stream.text()}, fmt::to_string(timing_.lease.count()),
                                fmt::to_string(timing_.settle.count()), proto::engine_prefix()};
  for (const auto& bid : bids) {
    args.push_back(bid.id);
    args.push_back(fmt::to_string(static_cast<unsigned>(bid.tier)));
    args.emplace_back(bid.is_forwarded ? "1" : "0");
    args.push_back(fmt::to_string(bid.max_streams));
    args.push_back(fmt::to_string(bid.load));
  }
  parts_.commands.eval(
      choose_script(), {}, args,
      [weak = std::weak_ptr{alive_}, stream, asked](const Result<redis::Reply>& reply) {
        const auto self = weak.lock();
        if (!self || !(*self)->is_current(stream, asked)) return;
        const auto choice = parse_choice(reply, asked->engines.size());
        if (!choice) {
          log::warn("engine_choice_failed", "stream={} why={:?}: chosen by this host alone",
                    stream.text(), choice.error().text);
          return (*self)->ask_host(stream, asked);
        }
        if (choice->pick == EnginePick::Chosen) {
          const auto engine = asked->engines[choice->at].id();
          (*self)->chosen_[stream] = engine;
          (*self)->parts_.host.engines().note_start(engine, (*self)->parts_.clock.now());
        }
        (*self)->answer(stream, asked, *choice);
      });
}

void SharedSelector::ask_host(const proto::StreamId& stream, const std::shared_ptr<Ask>& asked) {
  auto bids = make_bids(*asked);
  const auto choice =
      parts_.host.engines().choose(parts_.host.ownership(), parts_.host.scoreboard(), stream,
                                   parts_.self, bids, parts_.clock.now(), timing_.settle);
  answer(stream, asked, choice);
}

void SharedSelector::answer(const proto::StreamId& stream, const std::shared_ptr<Ask>& asked,
                            const EngineChoice& choice) {
  if (choice.pick == EnginePick::Wait) {
    asked->settle = parts_.timers.make();
    // Owned by what it keeps: it fires only while the question stands.
    asked->settle->once(choice.wait, [this, stream, weak = std::weak_ptr{asked}] {
      if (const auto still = weak.lock()) ask(stream, still);
    });
    return;
  }
  const auto callback = std::move(asked->callback);
  asked_.erase(stream);
  if (choice.pick == EnginePick::Chosen) return callback(asked->engines[choice.at]);
  if (asked->engines.empty()) return callback(fail(Errc::NotFound, "no engine is known"));
  callback(fail(Errc::Busy,
                asked->excluded.empty() ? "every engine is full" : "no other engine has room"));
}

void SharedSelector::note_failure(const std::string& engine_id, const Error& why) {
  const auto failed = failed_phase(engine_id, why);
  const host::EngineTrouble trouble{
      .phase = failed.phase, .text = failed.text, .at_ms = unix_ms(parts_.clock)};
  const auto now = parts_.clock.now();
  if (!is_engines_fault(failed, why.code)) {
    parts_.host.engines().note_trouble(engine_id, trouble, now);
  } else if (parts_.host.engines().note_session_failure(engine_id, trouble, now)) {
    log::warn("engine_unhealthy", "engine={} why={:?}", engine_id, why.text);
  }
}

void SharedSelector::note_success(const std::string& engine_id) {
  parts_.host.engines().note_session_success(engine_id, parts_.clock.now());
}

}  // namespace ace::engines
