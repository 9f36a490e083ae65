#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proto/ids.h"
#include "shared/base/clock.h"
#include "shared/base/result.h"
#include "shared/loop/timer.h"
#include "shared/redis/client.h"

namespace ace::ownership {

/// renew_every < fence_after < lease: an owner stops writing before anybody else may begin.
struct LeaseTiming {
  std::chrono::milliseconds lease{6000};
  std::chrono::milliseconds renew_every{2000};
  std::chrono::milliseconds fence_after{5000};
};

struct ClaimResult {
  bool is_mine{};
  proto::OwnerEpoch epoch;  ///< granted, or the present owner's
  proto::ChunkIndex index;  ///< of the newest chunk: the next one is index + 1
  proto::WorkerId owner;
  /// The stream is being torn down. If it is mine, I finish that; else wait for its end.
  bool is_stopping{};
};

enum class Teardown {
  IfUnwatched,
  Forced,  ///< whoever watches
};

class LeaseState;

using ClaimCallback = std::function<void(Result<ClaimResult>)>;

/// The owner key of one stream in Redis: claims it, keeps it alive, knows when to stop writing. An
/// error of Redis means unknown, never mine: what fails does not move the fence. Callbacks given
/// to a method are called exactly once; if the lease is destroyed meanwhile, still, with what
/// Redis answered (a claim: with Closed, and what it may have won is released again).
class StreamLease {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    /// Refused by Redis (Refused), or not renewed in time (Timeout). Once per grant, never after
    /// release() or finish_teardown(). The holder may destroy the lease in it, or claim again.
    virtual void on_lease_lost(const Error& why) = 0;
    /// With every renewal: how many clients the stream has, on all workers.
    virtual void on_viewers_counted(std::size_t clients) = 0;
  };

  /// `record_ttl`: life of the stream's keys without renewal. References must outlive the lease,
  /// `commands` its last answer too.
  StreamLease(proto::StreamId id, proto::WorkerId self, redis::Commands& commands,
              loop::TimerFactory& timers, const Clock& clock, LeaseTiming timing,
              std::chrono::milliseconds record_ttl, Listener& listener);
  ~StreamLease();
  StreamLease(const StreamLease&) = delete;
  StreamLease& operator=(const StreamLease&) = delete;

  /// Busy, from within the call, while the lease is held, claimed or being ended. `held`: the epoch
  /// this worker held last, or the newest it knows of, 0 for none; new epochs are above it. It
  /// counts as mine only where Redis still names this worker as owner. `index`: the newest chunk it
  /// knows of.
  void claim(proto::OwnerEpoch held, proto::ChunkIndex index,
             std::vector<proto::WorkerId> known_dead, ClaimCallback callback);

  [[nodiscard]] bool is_held() const;
  /// Ask before every commit and every engine command: held, and renewed lately enough by this
  /// host's own clock, whatever timers did meanwhile.
  [[nodiscard]] bool may_write() const;
  /// The last granted, 0 for none.
  [[nodiscard]] proto::OwnerEpoch epoch() const;

  /// Not only when it is due: takes out the clients of a worker that has just died, and counts the
  /// others. Ignored while not held.
  void renew_now();
  /// Writes metadata fields under my epoch; what Redis did not take is written again with the next
  /// renewal. Ignored while not held.
  void update(std::vector<std::pair<std::string, std::string>> metadata_fields);
  /// 0: stopping now, joins wait; n: n clients are there, nothing changed.
  void begin_teardown(Teardown how, std::function<void(Result<std::size_t>)> callback);
  /// Deletes all keys of the stream, chunks `first` to `last` among them. The lease is over,
  /// whatever the answer: what could not be deleted expires. Busy, from within the call, while the
  /// lease is being claimed or ended; the same for release().
  void finish_teardown(proto::ChunkIndex first, proto::ChunkIndex last,
                       std::function<void(Status)> callback);
  /// Leaves while others follow: gives the owner key up and deletes nothing else. The lease is
  /// over, whatever the answer.
  void release(std::function<void(Status)> callback);
  /// Nothing is known of the lease any more: it counts as not held, and Redis is told nothing. A
  /// new claim tells how things are.
  void forget();

 private:
  std::shared_ptr<LeaseState> state_;
};

}  // namespace ace::ownership
