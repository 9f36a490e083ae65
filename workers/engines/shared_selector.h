#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/host/host_memory.h"
#include "shared/base/clock.h"
#include "shared/loop/timer.h"
#include "shared/redis/client.h"
#include "workers/engines/engine_directory.h"
#include "workers/engines/engine_selector.h"

namespace ace::engines {

struct SelectionTiming {
  /// For so long a stream counts without a renewal by its owner.
  std::chrono::milliseconds lease{6'000};
  /// Between two starts on one engine.
  std::chrono::milliseconds settle{};
};

/// Chooses in Redis, where all hosts meet; without it in this host's memory, where its workers do.
class SharedSelector final : public EngineSelector {
 public:
  /// What it works with; everything outlives it.
  struct Parts {
    loop::Loop& loop;
    loop::TimerFactory& timers;
    const Clock& clock;
    redis::Commands& commands;
    host::HostMemory& host;
    host::WorkerRef self;
    const EngineDirectory& directory;
  };

  SharedSelector(Parts parts, SelectionTiming timing);
  ~SharedSelector() override;
  SharedSelector(const SharedSelector&) = delete;
  SharedSelector& operator=(const SharedSelector&) = delete;

  void choose(const proto::StreamId& stream, const ExcludedEngines& excluded,
              Choice callback) override;
  [[nodiscard]] std::vector<EngineFailure> refusals(const ExcludedEngines& tried) const override;
  bool ask_for_room(const proto::StreamId& stream, const ExcludedEngines& excluded,
                    unsigned attempt) override;
  void release(const proto::StreamId& stream) override;
  void forget(const proto::StreamId& stream) override;
  void note_failure(const std::string& engine_id, const Error& why) override;
  void note_success(const std::string& engine_id) override;

 private:
  /// One question, from choose() to its callback.
  struct Ask {
    ExcludedEngines excluded;
    Choice callback;
    std::vector<EngineAddress> engines;   ///< as they were listed when Redis was asked last
    std::unique_ptr<loop::Timer> settle;  ///< while the best engines settle
  };

  void ask(const proto::StreamId& stream, const std::shared_ptr<Ask>& asked);
  void ask_redis(const proto::StreamId& stream, const std::shared_ptr<Ask>& asked,
                 std::vector<host::EngineBid> bids);
  void ask_host(const proto::StreamId& stream, const std::shared_ptr<Ask>& asked);
  void ask_other_hosts(const std::string& engine_id);
  void answer(const proto::StreamId& stream, const std::shared_ptr<Ask>& asked,
              const host::EngineChoice& choice);
  [[nodiscard]] bool is_current(const proto::StreamId& stream,
                                const std::shared_ptr<Ask>& asked) const;
  [[nodiscard]] std::vector<host::EngineBid> make_bids(const Ask& asked) const;

  Parts parts_;
  SelectionTiming timing_;
  std::map<proto::StreamId, std::shared_ptr<Ask>> asked_;
  std::map<proto::StreamId, std::string> chosen_;  ///< the engine that Redis counts a stream on
  std::shared_ptr<SharedSelector*> alive_;
};

}  // namespace ace::engines
