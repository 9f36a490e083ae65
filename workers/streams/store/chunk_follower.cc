#include "workers/streams/store/chunk_follower.h"

#include "workers/streams/store/follower_state.h"

namespace ace::streams {

ChunkFollower::ChunkFollower(proto::StreamId stream, redis::ChunkPipe& pipe,
                             loop::TimerFactory& timers, FollowLimits limits, Listener& listener)
    : state_{std::make_shared<FollowerState>(stream, pipe, timers, limits, listener)} {}

ChunkFollower::~ChunkFollower() { state_->close(); }

void ChunkFollower::start(std::optional<proto::ChunkIndex> after) { state_->start(after); }

void ChunkFollower::on_announced(proto::OwnerEpoch epoch, proto::ChunkIndex index) {
  const auto state = state_;  // the listener may destroy the follower
  state->on_newest(epoch, index, std::nullopt);
}

void ChunkFollower::on_owner_changed(proto::OwnerEpoch epoch, proto::ChunkIndex index) {
  const auto state = state_;
  state->on_newest(epoch, index, index);
}

void ChunkFollower::poll_now() { state_->poll(); }

proto::OwnerEpoch ChunkFollower::epoch() const { return state_->epoch(); }

proto::ChunkIndex ChunkFollower::newest() const { return state_->newest(); }

std::uint64_t ChunkFollower::fetched() const { return state_->fetched(); }

}  // namespace ace::streams
