#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "proto/ids.h"
#include "proto/redis/stream_record.h"
#include "shared/base/clock.h"
#include "workers/streams/session/stall.h"

namespace ace::streams {

struct StallFacts {
  bool is_owner{};
  bool is_redis_up{};
  bool is_held_back{};  ///< the engine, for Redis' sake
  bool has_session{};
  bool is_swarm_dry{};
  bool is_fetching{};  ///< a chunk that Redis was asked for
};
[[nodiscard]] StallCause cause_of(const StallFacts& facts);

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
  /// Redis that stopped answering is known to be away so much later, half a second for the tick
  /// included.
  static constexpr std::chrono::milliseconds kUnnoticed{2'500};

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
  /// The last one.
  [[nodiscard]] const std::optional<Stall>& stall() const { return stall_; }

 private:
  void charge(StallCause cause, SteadyTime now);
  /// What was put down to others before it was known.
  void charge_redis();
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
