#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/host/robust_mutex.h"
#include "coordinator/host/scoreboard.h"
#include "coordinator/host/stream_view.h"
#include "proto/ids.h"
#include "shared/base/clock.h"
#include "shared/base/result.h"

namespace ace::host {

/// Who asks for a stream, where that counts.
struct Starter {
  std::uint64_t key{};        ///< equal for one address; 0: nobody's
  std::size_t most_starts{};  ///< that it may have at once; 0: no limit
};

/// Who owns which stream on this host, in memory that all workers share: the grant that holds with
/// or without Redis (only the local owner claims there), and the place where a client is given its
/// worker. An entry of a dead worker is free at once, one of a worker that stands still after
/// kDeadBeat. Every method is safe from any worker, takes
/// a few microseconds, and never blocks on anything but another worker doing the same.
class OwnershipTable {
 public:
  static constexpr std::size_t kMaxStreams = 1024;
  /// A worker whose last beat is older loses its streams to whoever asks for one: its lease in
  /// Redis ends a moment later, and the supervisor will kill it.
  static constexpr std::chrono::milliseconds kDeadBeat{5'000};
  static constexpr std::size_t kMaxSession = 4095;
  /// A failed stream is shown for so long after its failure has been forgotten, if there is room.
  static constexpr std::chrono::milliseconds kShowFailed{30'000};
  static constexpr std::size_t kMaxNames = 4;  ///< besides a stream's id and its infohash
  /// Places that only ids are given which have played on this host: whoever asks for ids that
  /// nobody has heard of cannot take all of them.
  static constexpr std::size_t kReserved = 128;
  static constexpr std::size_t kMaxPlayed = 4096;  ///< ids that have played, the last ones

  /// Once, by the process that makes the memory.
  void init() { mutex_.init(); }

  struct Grant {
    WorkerRef owner;  ///< after the call: the asker, or the living worker that has it
    proto::OwnerEpoch epoch;
    proto::ChunkIndex index;  ///< where the stream stands: a new owner goes on from here
    std::string session;      ///< StreamDetails::session, as the last owner told it
  };
  /// The stream's owner; `self` if there was none, or if its loop has stood still for 5 s: it is
  /// frozen, and its viewers wait. Busy when the table is full.
  [[nodiscard]] Result<Grant> acquire(const Scoreboard& board, const proto::StreamId& id,
                                      WorkerRef self);
  /// Redis confirms that `self` owns the stream, and Redis decides while it is there: the entry
  /// names `self` from now on, whoever took it while `self` stood still. False: there is no entry.
  bool confirm(const proto::StreamId& id, WorkerRef self);
  /// Gives the stream up, if `self` owns it.
  void release(const Scoreboard& board, const proto::StreamId& id, WorkerRef self);

  /// The stream is `heir`'s from now on, with all that is told of it. False: it is not `self`'s to
  /// give, or the heir cannot take it.
  [[nodiscard]] bool pass_on(const Scoreboard& board, const proto::StreamId& id, WorkerRef self,
                             WorkerRef heir);

  struct Placing {
    WorkerRef worker;
    bool is_owner{};  ///< the worker owns the stream now (perhaps by this very call)
  };
  /// Decides which worker serves the next client of `id` and counts it there: in `clients` when it
  /// is `self`, in `self`'s `placing` when it is another (counted_elsewhere() takes that back). A
  /// stream without an owner is granted to the chosen worker, so that requests for a cold stream
  /// that arrive together meet in one place. `owner_only`: without Redis only the owner can serve.
  /// Busy: the table is full. Refused: the stream is cold, its id has not played here, and
  /// `starter` has as many starts as it may: streams that were granted for it and have no media
  /// yet.
  [[nodiscard]] Result<Placing> place(Scoreboard& board, const proto::StreamId& id, WorkerRef self,
                                      bool owner_only, Starter starter = {});
  /// A client that `self` placed at `target` is counted there now, or comes back. Either of them
  /// says so; twice for one client (a cancel that crosses an accept) does no lasting harm, since
  /// the count stops at 0.
  static void counted_elsewhere(Scoreboard& board, WorkerRef self, WorkerRef target);

  /// Owner only (ignored from anybody else).
  void describe(const proto::StreamId& id, WorkerRef self, const StreamDetails& details);
  void set_engine(const proto::StreamId& id, WorkerRef self, std::string_view engine_id);
  void advance(const proto::StreamId& id, WorkerRef self, proto::OwnerEpoch epoch,
               proto::ChunkIndex index);
  /// The stream could not be started; `failure` says why (in the words of whoever reads it, cut to
  /// what fits) and is remembered until `until`, for all workers of the host.
  void remember_failure(const Scoreboard& board, const proto::StreamId& id, SteadyTime until,
                        std::string_view failure);
  /// There is media of the stream here: its start is over, and its id is a good one from now on.
  void remember_played(const proto::StreamId& id);
  /// Nothing when no start failed lately.
  [[nodiscard]] std::optional<std::string> failure_of(const proto::StreamId& id, SteadyTime now);
  /// How many viewers of the stream `self` has.
  void set_viewers(const Scoreboard& board, const proto::StreamId& id, WorkerRef self,
                   std::uint32_t viewers);

  [[nodiscard]] std::optional<StreamView> find(const Scoreboard& board, const proto::StreamId& id);
  [[nodiscard]] std::vector<StreamView> list(const Scoreboard& board);
  /// One stream of list(), for as long as each_owned()'s callback runs.
  struct Glance {
    const proto::StreamId& id;
    std::string_view engine_id;
  };
  /// Of list() those with a living owner, without a copy: `told` runs under the table's lock.
  void each_owned(const Scoreboard& board, const std::function<void(const Glance&)>& told);
  /// What is in list() no more because it failed: for people to read.
  [[nodiscard]] std::vector<StreamView> failed(const Scoreboard& board);
  /// Under which id this host plays what `id` names: another one where a running stream's engine
  /// said that `id` is its infohash, or where that came out later; else `id` itself.
  [[nodiscard]] proto::StreamId played_as(const proto::StreamId& id);
  /// The engine of `self`'s stream told its infohash. @returns under which id that is played on
  /// this host: `id`, which is written down, or another one whose owner was told before.
  [[nodiscard]] proto::StreamId play_infohash(const Scoreboard& board, const proto::StreamId& id,
                                              WorkerRef self, const proto::StreamId& infohash);
  /// `name` is the same content as `id`, which is played or watched here: it leads there.
  void add_name(const proto::StreamId& id, const proto::StreamId& name);
  /// Streams that are granted to `self`: it compares them with what it really runs, for a client
  /// whose placement granted one may have left on its way.
  [[nodiscard]] std::vector<proto::StreamId> owned_by(WorkerRef self);
  /// Streams whose owner died, and that nobody on this host watches.
  [[nodiscard]] std::vector<proto::StreamId> orphans(const Scoreboard& board);

 private:
  struct Viewers {
    std::uint32_t generation;
    std::uint32_t count;
  };
  struct Entry {
    proto::StreamId id;
    WorkerRef owner;
    StreamPhase phase;
    StreamKind kind;
    proto::OwnerEpoch epoch;
    proto::ChunkIndex index;
    std::int64_t started_at_ms;
    std::array<char, 128> engine_id;
    std::array<char, 48> infohash;
    std::array<proto::StreamId, kMaxNames> names;  ///< further ones, the newest first
    std::array<char, kMaxSession + 1> session;
    std::array<Viewers, kMaxSlots> viewers;
    SteadyTime failed_until;
    std::int64_t failed_at_ms;
    std::array<char, 2048> failure;
  };

  [[nodiscard]] Entry* find_entry(const proto::StreamId& id);
  [[nodiscard]] std::size_t at(const Entry& entry) const;
  [[nodiscard]] bool has_played(std::uint64_t fingerprint) const;
  /// Nobody owns or watches it.
  [[nodiscard]] bool is_cold(const Scoreboard& board, const proto::StreamId& id);
  [[nodiscard]] bool may_start(const Scoreboard& board, const proto::StreamId& id,
                               const Starter& starter) const;
  [[nodiscard]] std::size_t free_places() const;
  void make_room(const Scoreboard& board);
  [[nodiscard]] Entry* find_or_add(const Scoreboard& board, const proto::StreamId& id);
  [[nodiscard]] static std::uint32_t count_viewers(const Scoreboard& board, const Entry& entry);
  [[nodiscard]] static bool is_in_use(const Scoreboard& board, const Entry& entry);
  [[nodiscard]] static bool has_failed(const Scoreboard& board, const Entry& entry);
  [[nodiscard]] static StreamView view_of(const Scoreboard& board, const Entry& entry);
  void forget_name(const proto::StreamId& name);
  void free_if_unused(const Scoreboard& board, Entry& entry);

  RobustMutex mutex_;
  /// 0: the entry is free. Written last when an entry is taken and first when it is freed, so that
  /// a worker that dies in between leaves a free entry.
  std::array<std::uint64_t, kMaxStreams> fingerprints_{};
  /// Whose start each entry is; 0: it is none, or not any more.
  std::array<std::uint64_t, kMaxStreams> starters_{};
  std::array<std::uint64_t, kMaxPlayed> played_{};  ///< fingerprints
  std::size_t next_played_{};
  SteadyTime no_room_at_;  ///< when room was last to be made, and there was none
  std::array<Entry, kMaxStreams> entries_{};
};

}  // namespace ace::host
