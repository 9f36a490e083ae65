#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "coordinator/handover/handover.h"
#include "coordinator/host/host_memory.h"
#include "coordinator/ownership/client_records.h"
#include "coordinator/ownership/event_bus.h"
#include "coordinator/ownership/incarnation.h"
#include "coordinator/ownership/stream_lease.h"
#include "coordinator/ownership/trial_findings.h"
#include "proto/ids.h"
#include "shared/curl/multi.h"
#include "shared/loop/timer.h"
#include "shared/redis/chunk_connection.h"
#include "workers/clients/token_bucket.h"
#include "workers/engines/engine_directory.h"
#include "workers/engines/engine_selector.h"
#include "workers/streams/session/engine_feed.h"
#include "workers/streams/store/chunk_appender.h"
#include "workers/streams/store/chunk_follower.h"
#include "workers/streams/store/window_upload.h"
#include "workers/streams/window/chunk_window.h"

namespace ace::streams {

struct StreamOptions {
  FeedOptions feed;
  AppendLimits appender;
  FollowLimits follower;
  ownership::LeaseTiming lease;
  ChunkWindow::Limits window;  ///< in memory
  /// In memory and in Redis.
  ChunkWindow::Limits buffer{.span = std::chrono::seconds{60}, .bytes = 128_MiB};
  /// How far back a random access point is kept in memory and joined at.
  ChunkWindow::Limits reach{.span = std::chrono::seconds{30}};
  std::chrono::milliseconds record_ttl{60'000};
  std::chrono::milliseconds grace_period{5'000};
  /// How long somebody must stay before an engine is asked for a stream that is not running.
  std::chrono::milliseconds start_delay{300};
  std::chrono::milliseconds join_burst{6'000};
  /// From `filler_after` of silence on, viewers get a null packet every `filler_every`: several
  /// players hang up after 3 s without a byte.
  std::chrono::milliseconds filler_after{2'000};
  std::chrono::milliseconds filler_every{500};
  /// A viewer whose socket takes nothing for this long is dropped.
  std::chrono::milliseconds stalled_client{30'000};
  /// Without Redis for this long, a follower hands its viewers to the owner's worker.
  std::chrono::milliseconds redis_silence{2'000};
  /// How long a failed start is remembered: players ask again at once.
  std::chrono::milliseconds remember_failure{3'000};

  /// Limits of what one client may draw; 0: none.
  unsigned rate_factor{};  ///< times the stream's own rate, once that is measured
  std::uint64_t max_bitrate{};
  std::chrono::milliseconds rate_burst{10'000};  ///< of media, at once; at least the join burst

  /// For a stream of this rate (0: not measured yet).
  [[nodiscard]] clients::ClientRate client_rate(std::uint64_t bits_per_second) const;
  /// For a follower whose first viewers want to begin so far behind live.
  [[nodiscard]] FollowLimits follow_limits(std::chrono::milliseconds delay) const;
  /// For one that has found no random access point within the burst.
  [[nodiscard]] FollowLimits reach_limits() const;
};

/// What all streams of a worker use. Everything outlives them.
struct StreamServices {
  loop::Loop& loop;
  loop::TimerFactory& timers;
  const Clock& clock;
  host::HostMemory& host;
  host::WorkerRef self;
  const proto::WorkerId& worker_id;
  redis::Commands& commands;
  redis::ChunkPipe& chunks;
  ownership::EventBus& events;
  ownership::ClientRecords& clients;
  ownership::Incarnation& incarnation;
  handover::Handover& handover;
  curl::Multi& curl;
  const engines::EngineDirectory& engines;
  engines::EngineSelector& selector;
  const StreamOptions& options;
  const SteadyTime& redis_heard;  ///< when Redis gave this worker a sign of life last
  /// Why Redis cannot be used; nothing while it can be, or is not known yet.
  const std::optional<ownership::RedisUnfitness>& redis_unfitness;

  [[nodiscard]] host::Scoreboard& board() const { return host.scoreboard(); }
  [[nodiscard]] host::SlotBoard& me() const { return host.scoreboard().slots[self.slot]; }
  [[nodiscard]] host::OwnershipTable& table() const { return host.ownership(); }
  /// As RedisGate decides.
  [[nodiscard]] bool redis_is_up() const { return commands.is_up() && chunks.is_up(); }
  /// Some worker of this host finds no room in Redis for its streams' chunks.
  [[nodiscard]] bool redis_is_full() const {
    return std::ranges::any_of(
        board().slots, [](const host::SlotBoard& slot) { return slot.unstored_streams > 0; });
  }
};

}  // namespace ace::streams
