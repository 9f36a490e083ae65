#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/ids.h"
#include "proto/redis/stream_record.h"
#include "shared/base/clock.h"

namespace ace::streams {

/// Why nothing comes.
enum class StallCause : std::uint8_t {
  EngineSilent,   ///< it has peers, and says nothing
  EngineStarved,  ///< nobody sends it anything
  EngineLost,     ///< no session: one is being looked for
  RedisSlow,      ///< it takes, or gives, chunks more slowly than they come
  RedisAway,
  OwnerSilent,  ///< another worker's stall, which that one names
  WorkerBusy,   ///< our own loop stood still
};
inline constexpr std::size_t kStallCauses = 7;

struct StallFacts {
  bool is_owner{};
  bool is_redis_up{};
  bool is_held_back{};  ///< the engine, for Redis' sake
  bool has_session{};
  bool is_swarm_dry{};
  bool is_fetching{};  ///< a chunk that Redis was asked for
};
[[nodiscard]] StallCause cause_of(const StallFacts& facts);
/// "engine_starved"
[[nodiscard]] std::string_view to_string(StallCause cause);

/// What happens on the way from nothing to a picture, in this order.
enum class StartPhase : std::uint8_t { Pick, Getstream, Headers, FirstByte, RandomAccess };
inline constexpr std::size_t kStartPhases = 5;

/// How a stream came to play, and when it stood still for longer than viewers bear: one line of the
/// log each, and what `/streams` shows. Times come with the calls.
class StreamStory {
 public:
  /// Shorter ones no viewer notices: players hold some seconds.
  static constexpr std::chrono::milliseconds kStall{2'000};
  /// A stall that lasts so long is told of before it is over.
  static constexpr std::chrono::milliseconds kLongStall{10'000};
  /// What beats twice a second is late by this much only when the loop stood still.
  static constexpr std::chrono::milliseconds kLate{1'500};

  explicit StreamStory(proto::StreamId id) : id_{id} {}

  /// The stream is to be started: what was told before is forgotten.
  void on_start(SteadyTime now);
  /// The phase is over; what comes behind it is still to be done, even if it was done before.
  void on_phase(StartPhase phase, SteadyTime now);
  void on_media(SteadyTime now, WallTime wall);
  /// Twice a second.
  void tick(SteadyTime now, WallTime wall, const StallFacts& facts);

  /// Writes down what there is. True: it says more than at the last call.
  [[nodiscard]] bool tell(proto::StreamRecord& record);

 private:
  struct Stall {
    StallCause cause{};
    std::chrono::milliseconds lasted{};
    double since{};  ///< unix seconds
    bool is_over{};
  };

  void charge(StallCause cause, SteadyTime now);
  void note_stall(SteadyTime now, WallTime wall, bool is_over);
  void log_start() const;

  proto::StreamId id_;
  std::optional<SteadyTime> asked_at_;  ///< while the picture is awaited
  SteadyTime phase_began_;
  std::array<std::chrono::milliseconds, kStartPhases> phases_{};
  std::chrono::milliseconds whole_start_{};
  std::optional<SteadyTime> last_media_;
  SteadyTime charged_until_;
  std::array<std::chrono::nanoseconds, kStallCauses> charged_{};  ///< of the silence that lasts
  StallCause last_cause_{};
  std::optional<Stall> stall_;
  bool is_long_told_{};
  bool is_news_{};
};

}  // namespace ace::streams
