#include "coordinator/ownership/stream_lease.h"

#include "coordinator/ownership/lease_state.h"

namespace ace::ownership {

StreamLease::StreamLease(proto::StreamId id, proto::WorkerId self, redis::Commands& commands,
                         loop::TimerFactory& timers, const Clock& clock, LeaseTiming timing,
                         std::chrono::milliseconds record_ttl, Listener& listener)
    : state_{std::make_shared<LeaseState>(id, std::move(self), commands, timers, clock, timing,
                                          record_ttl, listener)} {}

StreamLease::~StreamLease() { state_->close(); }

void StreamLease::claim(proto::OwnerEpoch held, proto::ChunkIndex index,
                        std::vector<proto::WorkerId> known_dead,
                        std::function<void(Result<ClaimResult>)> callback) {
  state_->claim(held, index, known_dead, std::move(callback));
}

bool StreamLease::is_held() const { return state_->is_held(); }

bool StreamLease::may_write() const { return state_->may_write(); }

proto::OwnerEpoch StreamLease::epoch() const { return state_->epoch(); }

void StreamLease::renew_now() { state_->renew_now(); }

void StreamLease::update(std::vector<std::pair<std::string, std::string>> metadata_fields) {
  state_->update(std::move(metadata_fields));
}

void StreamLease::begin_teardown(Teardown how, std::function<void(Result<std::size_t>)> callback) {
  state_->begin_teardown(how, std::move(callback));
}

void StreamLease::finish_teardown(proto::ChunkIndex first, proto::ChunkIndex last,
                                  std::function<void(Status)> callback) {
  state_->finish_teardown(first, last, std::move(callback));
}

void StreamLease::forget() { state_->forget(); }

void StreamLease::release(std::function<void(Status)> callback) {
  state_->release(std::move(callback));
}

}  // namespace ace::ownership
