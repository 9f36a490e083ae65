#include "workers/streams/store/window_upload.h"

#include <algorithm>
#include <string>
#include <utility>

#include "proto/redis/redis_keys.h"

namespace ace::streams {

struct WindowUpload::State : std::enable_shared_from_this<State> {
  State(proto::StreamId stream, redis::ChunkPipe& pipe, const ChunkWindow& window,
        proto::ChunkCursor newest, UploadLimits limits, Done done)
      : keys_{stream},
        pipe_{pipe},
        window_{window},
        newest_{newest},
        limits_{limits},
        done_{std::move(done)} {}

  void ask() {
    pipe_.command({"HGET", keys_.metadata(), "epoch"},
                  [weak = weak_from_this()](const Result<redis::Reply>& reply) {
                    if (const auto self = weak.lock()) self->on_asked(reply);
                  });
  }

  void on_asked(const Result<redis::Reply>& reply) {
    // Junk in its place: Redis knows no more of the stream than if there were nothing.
    const bool is_junk = !reply && reply.error().text.find("WRONGTYPE") != std::string::npos;
    if (!reply && !is_junk) return finish(fail(reply.error().in("window upload")));
    if (reply && !reply->is_nil()) {
      const bool is_mine = reply->text == std::to_string(newest_.epoch.value);
      return finish(is_mine ? UploadOutcome::Unchanged : UploadOutcome::Taken);
    }
    next_ = window_.oldest();
    send_more();
  }

  void send_more() {
    next_ = std::max(next_, window_.oldest());  // what left meanwhile is lost to Redis
    while (bytes_in_flight_ < limits_.bytes_in_flight) {
      const auto* item = window_.at(next_);
      if (item == nullptr) break;
      ++next_.value;
      if (item->index <= newest_.index) send(*item);
    }
    if (unanswered_ == 0) finish(UploadOutcome::Uploaded);
  }

  void send(const ChunkWindow::Item& item) {
    const auto size = item.chunk->size();
    bytes_in_flight_ += size;
    ++unanswered_;
    pipe_.set(keys_.chunk(item.index), limits_.chunk_ttl, item.chunk, item.chunk->payload(),
              [weak = weak_from_this(), size](const Result<redis::Reply>& reply) {
                if (const auto self = weak.lock()) self->on_stored(size, reply);
              });
  }

  void on_stored(std::size_t size, const Result<redis::Reply>& reply) {
    bytes_in_flight_ -= size;
    --unanswered_;
    if (!done_) return;
    // A chunk that Redis refuses (out of memory) is one that followers miss; a connection that
    // broke is a reason to begin again.
    if (!reply && reply.error().code != Errc::Refused) {
      return finish(fail(reply.error().in("window upload")));
    }
    send_more();
  }

  void finish(Result<UploadOutcome> outcome) {
    if (const auto done = std::exchange(done_, nullptr)) done(std::move(outcome));
  }

  proto::StreamKeys keys_;
  redis::ChunkPipe& pipe_;
  const ChunkWindow& window_;
  proto::ChunkCursor newest_;
  UploadLimits limits_;
  Done done_;
  WindowPosition next_;
  std::size_t bytes_in_flight_{};
  std::size_t unanswered_{};
};

WindowUpload::WindowUpload(proto::StreamId stream, redis::ChunkPipe& pipe,
                           const ChunkWindow& window, proto::ChunkCursor newest,
                           UploadLimits limits, Done done)
    : state_{std::make_shared<State>(stream, pipe, window, newest, limits, std::move(done))} {
  state_->ask();
}

WindowUpload::~WindowUpload() = default;

}  // namespace ace::streams
