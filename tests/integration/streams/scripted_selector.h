#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "shared/loop/loop.h"
#include "workers/engines/engine_directory.h"
#include "workers/engines/engine_selector.h"

namespace ace::test {

/// Chooses the engine with the fewest streams, as told; remembers what it is told.
struct ScriptedSelector : engines::EngineSelector {
  ScriptedSelector(loop::Loop& the_loop, const engines::EngineDirectory& known)
      : loop{the_loop}, directory{known} {}

  void choose(const proto::StreamId&, const engines::ExcludedEngines& excluded,
              Choice callback) override {
    const engines::EngineAddress* best = nullptr;
    for (const auto& engine : directory.engines()) {
      if (excluded.contains(engine.id())) continue;
      if (best == nullptr || loads[engine.id()] < loads[best->id()]) best = &engine;
    }
    Result<engines::EngineAddress> chosen = fail(Errc::Busy, "every engine is full");
    if (best != nullptr) chosen = *best;
    is_counted = best != nullptr;
    if (is_undecided) return;
    loop.post([callback = std::move(callback), chosen] { callback(chosen); });
  }
  [[nodiscard]] std::vector<engines::EngineFailure> refusals(
      const engines::ExcludedEngines& tried) const override {
    std::vector<engines::EngineFailure> full;
    for (const auto& engine : directory.engines()) {
      if (tried.contains(engine.id())) continue;
      full.push_back({.engine_id = engine.id(), .error = {Errc::Busy, engine.id() + ": is full"}});
    }
    return full;
  }
  bool ask_for_room(const proto::StreamId&, const engines::ExcludedEngines&, unsigned) override {
    ++room_asks;
    return room_asks <= grants_room;
  }
  void release(const proto::StreamId&) override { is_counted = false; }
  void forget(const proto::StreamId&) override {}
  void note_failure(const std::string& engine_id, const Error&) override {
    told.push_back(engine_id + " failed");
  }
  void note_success(const std::string& engine_id) override {
    told.push_back(engine_id + " delivers");
  }

  loop::Loop& loop;
  const engines::EngineDirectory& directory;
  std::map<std::string, std::size_t> loads;
  std::vector<std::string> told;
  bool is_counted{};
  int room_asks{};
  int grants_room{};    ///< so often there is something to wait for
  bool is_undecided{};  ///< who asks gets no answer
};

}  // namespace ace::test
