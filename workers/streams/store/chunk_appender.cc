#include "workers/streams/store/chunk_appender.h"

#include "workers/streams/store/appender_state.h"

namespace ace::streams {

ChunkAppender::ChunkAppender(Grant grant, redis::ChunkPipe& pipe, loop::TimerFactory& timers,
                             AppendLimits limits, Listener& listener)
    : state_{std::make_shared<AppenderState>(std::move(grant), pipe, timers, limits, listener)} {}

ChunkAppender::~ChunkAppender() { state_->close(); }

void ChunkAppender::append(proto::ChunkIndex index, proto::ChunkPtr chunk) {
  const auto state = state_;  // the listener may destroy the appender
  state->append(index, std::move(chunk));
}

void ChunkAppender::on_redis_up() {
  const auto state = state_;
  state->on_redis_up();
}

proto::ChunkIndex ChunkAppender::committed() const { return state_->queue().committed(); }

proto::ChunkIndex ChunkAppender::tried() const { return state_->tried(); }

proto::ChunkIndex ChunkAppender::oldest() const { return state_->oldest(); }

bool ChunkAppender::is_idle() const { return state_->queue().is_empty(); }

bool ChunkAppender::is_without_room() const { return state_->is_without_room(); }

std::uint64_t ChunkAppender::skipped() const { return state_->queue().given_up(); }

}  // namespace ace::streams
