#include "workers/streams/session/heritage_reader.h"

#include <utility>

#include "coordinator/ownership/replies.h"
#include "proto/redis/redis_keys.h"
#include "shared/log/log.h"
#include "workers/streams/session/session_record.h"

namespace ace::streams {

HeritageReader::HeritageReader(StreamServices& services, proto::StreamId id)
    : services_{services},
      id_{id},
      reader_{id, services.chunks, services.timers, services.options.follower,
              static_cast<ChunkFollower::Listener&>(*this)},
      deadline_{services.timers.make()} {}

void HeritageReader::start(const Wanted& wanted, std::function<void(Heritage)> callback) {
  callback_ = std::move(callback);
  awaits_session_ = wanted.session;
  awaits_chunks_ = wanted.upto.value > 0;
  upto_ = wanted.upto;
  const bool is_complete = !awaits_session_ && !awaits_chunks_;
  const auto patience = services_.options.feed.adopt;
  deadline_->once(is_complete ? std::chrono::milliseconds{0} : patience, [this] { finish(); });
  if (awaits_session_) read_session();
  if (awaits_chunks_) reader_.start(wanted.after);
}

void HeritageReader::read_session() {
  services_.commands.command({"HGETALL", proto::StreamKeys{id_}.metadata()},
                             [weak = weak_from_this()](const Result<redis::Reply>& reply) {
                               const auto self = weak.lock();
                               if (!self) return;
                               self->awaits_session_ = false;
                               const auto record =
                                   reply ? proto::parse_stream_record(ownership::fields_of(*reply))
                                         : fail(reply.error());
                               if (record) self->heritage_.session = session_of(*record);
                               self->finish_if_complete();
                             });
}

void HeritageReader::on_chunk(proto::OwnerEpoch epoch, proto::ChunkIndex index,
                              proto::ChunkPtr chunk) {
  heritage_.chunks.push_back({.epoch = epoch,
                              .index = index,
                              .chunk = std::move(chunk),
                              .is_behind_gap = std::exchange(is_behind_gap_, false)});
  read_up_to(index);
}

void HeritageReader::on_missing(proto::ChunkIndex, proto::ChunkIndex last) {
  is_behind_gap_ = true;
  read_up_to(last);
}

void HeritageReader::read_up_to(proto::ChunkIndex index) {
  if (index < upto_) return;
  awaits_chunks_ = false;
  finish_if_complete();
}

void HeritageReader::finish_if_complete() {
  if (!awaits_session_ && !awaits_chunks_) finish();
}

void HeritageReader::finish() {
  if (!callback_) return;
  if (awaits_session_ || awaits_chunks_) {
    log::warn("takeover_incomplete", "stream={} session={} chunks={}", id_.text(),
              awaits_session_ ? "missing" : "known", heritage_.chunks.size());
  }
  deadline_->stop();
  const auto self = shared_from_this();  // whoever gets it may destroy the reader
  const auto callback = std::exchange(callback_, nullptr);
  callback(std::move(heritage_));
}

}  // namespace ace::streams
