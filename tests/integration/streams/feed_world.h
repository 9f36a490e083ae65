#pragma once

#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/engines/scripted_engine.h"
#include "tests/integration/streams/scripted_selector.h"
#include "tests/support/clock/fake_timers.h"
#include "workers/streams/session/engine_feed.h"

namespace ace::test {

/// `count` packets that say who made them. The first one is a PAT without programs.
inline std::string packets(char maker, std::size_t count) {
  using namespace std::string_literals;
  std::string made = "\x47\x40\x00\x10\x00\x00\xb0\x09\x00\x01\xc1\x00\x00"s;
  made.resize(188, maker);
  for (std::size_t i = 1; i < count; ++i) made += '\x47' + std::string(187, maker);
  return made;
}

inline std::string session_json(const ScriptedEngine& engine) {
  return fmt::format(
      R"({{"response":{{"playback_url":"{}","stat_url":"{}","command_url":"{}",)"
      R"("playback_session_id":"s","infohash":"{}","is_live":1,"is_encrypted":0}},"error":null}})",
      engine.url("/ace/r/1/2"), engine.url("/ace/stat/1/2"), engine.url("/ace/cmd/1/2"),
      std::string(40, 'b'));
}

/// Plays what it is told on one session after the other; counts stops.
struct PlayingEngine {
  PlayingEngine(loop::Loop& loop, std::string body) : scripted{loop} {
    scripted.on("/ace/getstream", [this](auto& c) { c.answer(200, session_json(scripted)); });
    scripted.on("/ace/r/", [this, body](auto& c) {
      c.send("HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n" + body);
      playback = &c;
    });
    scripted.on("/ace/cmd/", [](auto& c) { c.answer(200, R"({"response":"ok","error":null})"); });
  }
  /// Its playback url leads nowhere any more.
  void end_session() {
    scripted.on("/ace/r/", [](auto& c) { c.answer(404, "unknown playback session id"); });
  }
  [[nodiscard]] std::size_t playbacks() const { return scripted.asked("/ace/r/"); }
  [[nodiscard]] std::size_t sessions() const { return scripted.asked("/ace/getstream"); }
  [[nodiscard]] std::size_t stops() const { return scripted.asked("/ace/cmd/"); }

  ScriptedEngine scripted;
  ScriptedEngine::Connection* playback{};
};

/// A feed on its own, and what came of it.
struct FeedWorld : streams::EngineFeed::Listener {
  FeedWorld(loop::Loop& the_loop, const std::vector<std::uint16_t>& ports,
            streams::FeedOptions options = {})
      : loop{the_loop} {
    std::vector<engines::EngineAddress> engines;
    for (const auto port : ports) {
      engines::EngineAddress engine;
      engine.host = "127.0.0.1";
      engine.port = port;
      engine.name = fmt::format("e{}", engines.size() + 1);
      engines.push_back(engine);
    }
    directory = engines::EngineDirectory{std::move(engines)};
    options.chunk.max_age = std::chrono::milliseconds{5};
    pulse->every(kPulse, [this] { patience.advance(kPulse); });
    feed = std::make_unique<streams::EngineFeed>(
        curl, patience, clock, directory, selector,
        streams::FeedPorts{
            .may_command = [this] { return may_command; },
            .may_stop = [this] { return may_stop; },
            .tail = [this] { return tail(); },
            .on_fault = [this](host::EngineFault fault, const Error&) { faults.push_back(fault); },
            .on_phase = [this](streams::StartPhase phase) { phases.push_back(phase); }},
        *proto::StreamId::parse(std::string(40, 'a')), options,
        static_cast<streams::EngineFeed::Listener&>(*this));
  }
  void on_feed_choice(const std::string& engine_id) override { choices.push_back(engine_id); }
  void on_feed_open(const engines::SessionInfo&) override { ++opened; }
  void on_feed_chunk(proto::ChunkPtr chunk, SteadyTime came) override {
    media += as_text(chunk->payload());
    arrived = came;
  }
  void on_feed_stat(const proto::engine::StatAnswer& stat) override { stats.push_back(stat); }
  void on_feed_silent(std::chrono::milliseconds) override { is_silent = true; }
  void on_feed_failed(const std::vector<streams::EngineFailure>& why) override {
    failures = why;
    has_failed = true;
  }

  [[nodiscard]] std::vector<proto::ChunkPtr> tail() const {
    const auto all = seen + media;
    if (!is_spliced || all.empty()) return {};
    return {proto::Chunk::copy_of(as_bytes(all))};
  }

  static constexpr std::chrono::milliseconds kPulse{5};

  loop::Loop& loop;
  loop::UvTimerFactory timers{loop};
  /// The feed's time is the loop's: it goes on with its turns, and not while this process stands
  /// still. No limit is over before what lies in the sockets has been read.
  ManualClock clock;
  FakeTimers patience{clock};
  std::unique_ptr<loop::Timer> pulse{timers.make()};
  curl::Multi curl{loop, timers};
  engines::EngineDirectory directory;
  ScriptedSelector selector{loop, directory};
  bool may_command{true};
  bool may_stop{true};
  bool is_spliced{};
  std::string seen;  ///< by the stream's viewers, before the feed
  std::unique_ptr<streams::EngineFeed> feed;
  std::vector<std::string> choices;
  std::vector<proto::engine::StatAnswer> stats;
  int opened{};
  std::string media;
  SteadyTime arrived;  ///< the newest chunk
  std::vector<host::EngineFault> faults;
  std::vector<streams::StartPhase> phases;
  std::vector<streams::EngineFailure> failures;
  bool has_failed{};
  bool is_silent{};
};

}  // namespace ace::test
