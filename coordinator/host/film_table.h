#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/host/robust_mutex.h"
#include "coordinator/host/scoreboard.h"
#include "proto/ids.h"
#include "shared/base/clock.h"

namespace ace::host {

/// What an engine said of a film, for who only asks about it.
struct FilmFacts {
  std::uint64_t size{};  ///< bytes of the whole film; 0: not known
  std::string content_type;
};

/// Which contents are films, as engines said of them, and which worker of this host plays each: one
/// worker has all the sessions of a film, so that a viewer's next request finds its last one's.
/// What nobody asks about is forgotten. Safe from any worker.
class FilmTable {
 public:
  static constexpr std::size_t kMaxFilms = 256;
  static constexpr std::chrono::minutes kKeep{30};

  /// Once, by the process that makes the memory.
  void init() { mutex_.init(); }

  /// `self` was told by an engine, and plays it.
  void note(const proto::StreamId& id, WorkerRef self, SteadyTime now);
  void describe(const proto::StreamId& id, const FilmFacts& facts);
  /// An engine said otherwise.
  void forget(const proto::StreamId& id);

  [[nodiscard]] bool is_film(const proto::StreamId& id, SteadyTime now);
  /// The worker that plays it: `self` where that one does not serve any more. Nothing: as far as
  /// this host knows it is no film.
  [[nodiscard]] std::optional<WorkerRef> player_of(const Scoreboard& board,
                                                   const proto::StreamId& id, WorkerRef self,
                                                   SteadyTime now);
  [[nodiscard]] std::optional<FilmFacts> facts_of(const proto::StreamId& id, SteadyTime now);

 private:
  struct Entry {
    proto::StreamId id;
    WorkerRef player;
    SteadyTime asked_at;
    bool is_taken;
    std::uint64_t size;
    std::array<char, 64> content_type;
  };

  [[nodiscard]] Entry* find(const proto::StreamId& id, SteadyTime now);

  RobustMutex mutex_;
  std::array<Entry, kMaxFilms> entries_{};
};

}  // namespace ace::host
