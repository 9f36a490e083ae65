#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/ownership/stream_lease.h"
#include "proto/redis/fields.h"
#include "proto/redis/redis_keys.h"

namespace ace::ownership {

/// The inside of a StreamLease: shared, so that answers of Redis can hold it weakly.
class LeaseState : public std::enable_shared_from_this<LeaseState> {
 public:
  LeaseState(proto::StreamId id, proto::WorkerId self, redis::Commands& commands,
             loop::TimerFactory& timers, const Clock& clock, LeaseTiming timing,
             std::chrono::milliseconds record_ttl, StreamLease::Listener& listener);

  using ClaimCallback = std::function<void(Result<ClaimResult>)>;

  void claim(proto::OwnerEpoch held, proto::ChunkIndex index,
             const std::vector<proto::WorkerId>& known_dead, ClaimCallback callback);
  void renew_now();
  void update(proto::Fields fields);
  void begin_teardown(Teardown how, std::function<void(Result<std::size_t>)> callback);
  void finish_teardown(proto::ChunkIndex first, proto::ChunkIndex last,
                       std::function<void(Status)> callback);
  void release(std::function<void(Status)> callback);
  void forget();
  /// The lease is being destroyed: nothing is told or renewed any more.
  void close();

  [[nodiscard]] bool is_held() const { return phase_ == Phase::Held; }
  [[nodiscard]] bool may_write() const { return is_held() && clock_.now() < fence_at_; }
  [[nodiscard]] proto::OwnerEpoch epoch() const { return epoch_; }

 private:
  enum class Phase { Idle, Claiming, Held, Ending };

  void on_claimed(SteadyTime sent, Result<ClaimResult> result, const ClaimCallback& callback);
  void renew();
  void on_renewed(SteadyTime sent, const Result<redis::Reply>& reply);
  void watch_fence();
  void send_update(proto::Fields fields);
  void on_updated(std::uint64_t sequence, const proto::Fields& fields,
                  const Result<redis::Reply>& reply);
  void end(const redis::Script& script, const std::vector<std::string>& keys,
           const std::vector<std::string>& args, std::function<void(Status)> callback);
  void stop_keeping();
  /// Calls out: touch nothing afterwards.
  void lose(const Error& why);

  proto::StreamId id_;
  proto::WorkerId self_;
  proto::StreamKeys keys_;
  redis::Commands& commands_;
  const Clock& clock_;
  LeaseTiming timing_;
  std::string record_ttl_;
  StreamLease::Listener* listener_;  ///< nothing once the lease is closed
  std::unique_ptr<loop::Timer> renew_timer_;
  std::unique_ptr<loop::Timer> fence_timer_;

  Phase phase_{Phase::Idle};
  proto::ChunkIndex known_index_;  ///< of the last claim
  bool may_have_won_{};            ///< a claim of ours was granted perhaps, and nobody told us
  proto::OwnerEpoch epoch_;
  SteadyTime fence_at_{};
  std::uint64_t grant_{};  ///< counts grants and their ends: answers to an earlier one are stale

  std::uint64_t update_sequence_{};
  std::map<std::string, std::uint64_t> newest_update_;  ///< which update wrote a field last
  std::map<std::string, std::string> unsaved_;          ///< fields that Redis did not take
};

}  // namespace ace::ownership
