#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "coordinator/host/redis_trouble.h"
#include "coordinator/host/shared_histogram.h"
#include "shared/base/clock.h"
#include "shared/log/level.h"

namespace ace::host {

/// Worker processes a host can have at once, old ones that drain included.
inline constexpr std::size_t kMaxSlots = 64;

/// The peers' addresses of a host in so many groups, by hash: enough that no address has to share
/// its bound with many, few enough to be summed up over all slots.
inline constexpr std::size_t kAddressGroups = 256;

/// A worker whose loop has stood still this long is given nothing new: it beats twice a second.
inline constexpr std::chrono::milliseconds kFreshBeat{2'000};

/// Which process of this host: a slot is used again after its worker has ended, the generation
/// tells one use from the next. Generation 0 is nobody.
struct WorkerRef {
  std::uint32_t slot{};
  std::uint32_t generation{};
  auto operator<=>(const WorkerRef&) const = default;
};

enum class WorkerPhase : std::uint32_t {
  Empty,     ///< nobody, or dead
  Starting,  ///< forked, has not said ready
  Serving,   ///< takes connections
  Draining,  ///< takes nothing new
};

/// How far an engine session had come when it failed.
enum class EngineFault : std::uint32_t {
  Connect,    ///< nobody listens there
  Getstream,  ///< refused, nonsense or nothing instead of a session
  FirstByte,  ///< a session, but no media
  Stall,      ///< media, then silence
  Broken,     ///< media, then the end of the connection
  Adopt,      ///< a session of the owner before, which could not be gone on with
};
inline constexpr std::size_t kEngineFaults = 6;

/// Why a client of a stream was told 503 before its stream was looked at.
enum class Refusal : std::uint32_t {
  MemoryShort,     ///< no room for one more window
  TooManyClients,  ///< PROXY_MAX_CLIENTS
  StreamFull,      ///< PROXY_MAX_CLIENTS_PER_STREAM
  TooManyStreams,  ///< the ownership table is full
  TooManyStarts,   ///< PROXY_MAX_STARTS_PER_ADDRESS
};
inline constexpr std::size_t kRefusals = 5;

/// What one worker tells all others. Written by that worker alone, but for `generation`, `pid` and
/// `phase`, which the supervisor sets at fork and at reap, and for `placing`. Relaxed atomics: each
/// number is right by itself, no two need to agree.
struct alignas(64) SlotBoard {
  std::atomic<std::uint32_t> generation{};
  std::atomic<std::int32_t> pid{};
  std::atomic<WorkerPhase> phase{};
  std::atomic<std::int64_t> beat_ns{};       ///< SystemClock::now() of the last beat of its loop
  std::atomic<std::uint32_t> clients{};      ///< stream clients placed here, waiting ones included
  std::atomic<std::uint32_t> connections{};  ///< HTTP connections read or answered, no streams
  std::atomic<std::uint64_t> stranger_bytes{};  ///< held for those connections
  /// Of these bytes, how many each group of addresses has.
  std::array<std::atomic<std::uint32_t>, kAddressGroups> stranger_bytes_by_address{};
  std::atomic<std::uint64_t> strangers_refused{};  ///< for which no more bytes were held
  std::atomic<std::uint32_t> owned_streams{};
  std::atomic<std::uint32_t> redis_is_up{};       ///< 1 while this worker can use Redis
  std::atomic<RedisTrouble> redis_trouble{};      ///< why it cannot
  std::atomic<std::uint32_t> unstored_streams{};  ///< owned ones whose chunks Redis has no room for
  std::atomic<std::uint64_t> redis_bytes_in_flight{};  ///< of chunks, not answered yet
  std::atomic<std::uint32_t> longest_lag_ms{};         ///< of its clients behind the newest chunk
  std::atomic<std::uint32_t> windows{};                ///< streams of which it keeps chunks
  std::atomic<std::uint64_t> window_bytes{};           ///< of chunks in these
  std::atomic<std::uint64_t> window_least{};           ///< that these need when memory is short
  std::atomic<std::uint64_t> window_most{};            ///< that these come to when it is not
  std::atomic<std::uint32_t> window_permille{};  ///< of what lies between, that they do without
  std::atomic<std::uint64_t> requests{};
  std::atomic<std::uint64_t> bytes_from_engines{};
  std::atomic<std::uint64_t> bytes_to_clients{};
  std::atomic<std::uint64_t> chunks_fetched{};   ///< by followers, out of Redis
  std::atomic<std::uint64_t> chunks_skipped{};   ///< never stored: Redis refused or was too slow
  std::atomic<std::uint64_t> clients_skipped{};  ///< times a slow client was moved forward
  std::atomic<std::uint64_t> takeovers{};        ///< streams that became its own after another's
  std::atomic<std::uint64_t> redis_reconnects{};
  std::atomic<std::uint64_t> log_lines_dropped{};  ///< which no sink took
  std::array<std::atomic<std::uint64_t>, kEngineFaults> engine_faults{};
  std::array<std::atomic<std::uint64_t>, kRefusals> refusals{};
  SharedHistogram packet_age;  ///< oldest byte of a chunk, from the engine to its own clients
  SharedHistogram fetch_time;  ///< a follower's: from hearing of a chunk to its clients
  SharedHistogram join_time;   ///< of clients: from the request to the first byte sent
  SharedHistogram redis_time;  ///< from a command to its answer
  SharedHistogram loop_delay;  ///< of its beats behind their time
  /// Connections on their way from this worker to slot i: offered, not yet counted there. Taken
  /// back by slot i's worker, in the moment in which that one counts them.
  std::array<std::atomic<std::uint32_t>, kMaxSlots> placing{};
};

/// One slot a worker, in memory that all processes of the host share (Apache's word). Lives inside
/// HostMemory.
struct Scoreboard {
  std::array<SlotBoard, kMaxSlots> slots{};
  std::atomic<std::uint64_t> restarts{};      ///< workers forked in the place of one that died
  std::atomic<std::int64_t> started_at_ms{};  ///< unix time
  std::atomic<log::Level> log_level{};        ///< of all processes, as log::share_level() has it

  [[nodiscard]] bool is_alive(WorkerRef worker) const;
  /// Whether the slot's loop has turned within `time`.
  [[nodiscard]] bool has_beaten(std::uint32_t slot, std::chrono::milliseconds time) const;
  /// The one worker that does what has to be done once on a host: the lowest slot that serves.
  /// False for all others; for a moment there may be none, or two.
  [[nodiscard]] bool is_caretaker(WorkerRef worker) const;
  /// Supervisor only. Begins the next generation of a slot: live numbers zero,
  /// totals go on, phase Starting.
  WorkerRef open_slot(std::uint32_t slot);
  /// Supervisor only, right after fork.
  void set_pid(WorkerRef worker, std::int32_t pid);
  /// Supervisor only, at reap: phase Empty, numbers that count live things zero, totals stay.
  void close_slot(std::uint32_t slot);
};

}  // namespace ace::host
