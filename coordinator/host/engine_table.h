#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "coordinator/host/engine_choice.h"
#include "coordinator/host/ownership_table.h"
#include "coordinator/host/robust_mutex.h"
#include "shared/base/clock.h"

namespace ace::host {

enum class EngineHealth : std::uint32_t { Unknown, Healthy, Unhealthy };

/// What this host knows of an engine.
struct EngineState {
  EngineHealth health{};
  bool has_just_failed{};
  bool is_draining{};
  std::string version;
  std::string endpoint;     ///< of whoever answered there last; empty while nobody does
  std::string device;       ///< what that calls itself
  std::string error_phase;  ///< of the last failure, however long ago; empty: none
  std::string error_text;
  std::int64_t error_at_ms{};  ///< unix time
};

/// What an engine said when it was asked for its version.
struct EngineAnswer {
  std::string_view version;
  std::string_view endpoint{};
  std::string_view device{};
};

/// How one question for its version went, or one session.
struct EngineTrouble {
  std::string_view phase;
  std::string_view text;
  std::int64_t at_ms{};  ///< unix time
};

/// How the engines do, for all workers of the host: asked by one of them, told by every one whose
/// sessions fail. Engines are known by id; one that nobody has said anything about is fit. Every
/// method is safe from any worker and takes microseconds.
class EngineTable {
 public:
  static constexpr std::size_t kMaxEngines = 256;
  /// Failures in a row, of questions or of sessions, that make an engine unhealthy.
  static constexpr std::uint32_t kMisses = 3;
  /// Answers in a row that make it healthy again.
  static constexpr std::uint32_t kGoodAnswers = 2;
  /// An engine that failed a session is passed over for so long.
  static constexpr std::chrono::milliseconds kSitOut{10'000};

  /// Once, by the process that makes the memory.
  void init() { mutex_.init(); }

  /// Each of these answers whether the engine's health is another one now.
  bool note_answer(std::string_view id, const EngineAnswer& answer, SteadyTime now);
  bool note_miss(std::string_view id, const EngineTrouble& trouble, SteadyTime now);
  bool note_session_failure(std::string_view id, const EngineTrouble& trouble, SteadyTime now);
  void note_session_success(std::string_view id, SteadyTime now);
  /// A session failed for reasons that are not the engine's: only to be shown.
  void note_trouble(std::string_view id, const EngineTrouble& trouble, SteadyTime now);
  /// A stream was given to the engine just now.
  void note_start(std::string_view id, SteadyTime now);

  /// It is given no new stream, and those on it move away.
  void set_draining(std::string_view id, bool is_draining, SteadyTime now);
  /// These, and no others.
  void set_draining(const std::set<std::string>& ids, SteadyTime now);
  [[nodiscard]] bool is_draining(std::string_view id);

  [[nodiscard]] EngineState state_of(std::string_view id, SteadyTime now);
  /// Fills in tiers (where the bid is not excluded) and settling times.
  void rate(std::span<EngineBid> bids, SteadyTime now, std::chrono::milliseconds settle);

  /// Chooses by this host's own knowledge alone and, in the same step, counts the stream there: no
  /// two workers see the same empty engine.
  [[nodiscard]] EngineChoice choose(OwnershipTable& streams, const Scoreboard& board,
                                    const proto::StreamId& id, WorkerRef self,
                                    std::span<EngineBid> bids, SteadyTime now,
                                    std::chrono::milliseconds settle);

 private:
  struct Entry {
    std::array<char, 128> id;  ///< empty: free
    EngineHealth health;
    bool is_draining;
    std::uint32_t misses;
    std::uint32_t good_answers;
    std::uint32_t session_failures;
    SteadyTime failed_at;
    SteadyTime started_at;
    SteadyTime touched_at;
    std::array<char, 48> version;
    std::array<char, 64> endpoint;
    std::array<char, 64> device;
    std::array<char, 24> error_phase;
    std::array<char, 256> error_text;
    std::int64_t error_at_ms;
  };

  [[nodiscard]] Entry* find(std::string_view id);
  [[nodiscard]] Entry& find_or_add(std::string_view id, SteadyTime now);
  static void record(Entry& entry, const EngineTrouble& trouble);
  static bool fall_ill(Entry& entry);
  [[nodiscard]] static bool has_just_failed(const Entry& entry, SteadyTime now);
  void rate_locked(std::span<EngineBid> bids, SteadyTime now, std::chrono::milliseconds settle);

  RobustMutex mutex_;
  std::array<Entry, kMaxEngines> entries_{};
};

}  // namespace ace::host
