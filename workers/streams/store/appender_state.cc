#include "workers/streams/store/appender_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "coordinator/ownership/replies.h"
#include "shared/log/log.h"

namespace ace::streams {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstRetry{100};
constexpr milliseconds kLastRetry{1000};
/// A stage that vanished once may have been evicted or been too slow; twice, it will again.
constexpr int kMaxMissingStages = 2;

const redis::Script& commit_script() {
  static const redis::Script script{proto::kCommitScript};
  return script;
}

std::string in_ms(milliseconds time) { return fmt::to_string(time.count()); }

bool says(const Error& error, std::string_view word) {
  return error.text.find(word) != std::string::npos;
}

struct Answer {
  std::int64_t code{};
  proto::ChunkIndex index;
};

Result<Answer> parse(const Result<redis::Reply>& reply) {
  if (!reply) return fail(reply.error().in("commit"));
  const auto index = ownership::count_at(*reply, 1);
  const auto code = reply->elements.empty() ? std::nullopt : reply->elements[0].as_integer();
  if (!index || !code) return fail(Errc::Protocol, "commit: the answer is malformed");
  return Answer{*code, proto::ChunkIndex{*index}};
}

}  // namespace

AppenderState::AppenderState(ChunkAppender::Grant grant, redis::ChunkPipe& pipe,
                             loop::TimerFactory& timers, AppendLimits limits,
                             ChunkAppender::Listener& listener)
    : grant_{std::move(grant)},
      keys_{grant_.stream},
      pipe_{pipe},
      limits_{limits},
      listener_{listener},
      retry_timer_{timers.make()},
      queue_{grant_.index, limits.queue_bytes},
      stored_{grant_.index, limits.buffer_chunks, limits.buffer_bytes},
      retry_delay_{kFirstRetry} {}

void AppenderState::append(proto::ChunkIndex index, proto::ChunkPtr chunk) {
  if (mode_ == Mode::Stopped) return;
  // A window may hold two counts of a stream, where Redis has lost one: of an index that is passed
  // followers know already.
  if (index < queue_.next()) return;
  if (index > queue_.next()) queue_.leave_out(index);
  queue_.push(std::move(chunk));
  send_more();
  update_backlog();
}

void AppenderState::on_redis_up() {
  if (mode_ == Mode::Waiting) resume();
  send_more();
  update_backlog();
}

void AppenderState::close() {
  mode_ = Mode::Stopped;
  retry_timer_->stop();
}

void AppenderState::send_more() {
  while (mode_ == Mode::Sending && queue_.has_unsent() && pipe_.is_up()) {
    if (queue_.bytes_in_flight() >= limits_.bytes_in_flight) return;
    if (is_cautious_ && unanswered_ > 0) return;
    if (!grant_.may_write()) return;  // fenced: the lease will be renewed, or say that it is lost
    const auto& item = queue_.unsent();
    if (!item.is_skip()) store(item);
    commit(item, false);
    queue_.mark_sent();
  }
}

void AppenderState::store(const AppendQueue::Item& item) {
  pipe_.set(keys_.stage(grant_.epoch, item.first), limits_.stage_ttl, item.chunk,
            item.chunk->payload(),
            [weak = weak_from_this(), index = item.first](const Result<redis::Reply>& reply) {
              const auto self = weak.lock();
              if (self && !reply) self->on_store_failed(index, reply.error());
            });
}

void AppenderState::commit(const AppendQueue::Item& item, bool is_probe) {
  const auto gone = stored_.add(item.last, item.bytes());
  const auto unlink_first = gone ? gone->first.value : 0;
  const auto unlink_last = gone ? gone->last.value : 0;
  ++unanswered_;
  pipe_.eval(
      commit_script(),
      {keys_.owner(), keys_.metadata(), keys_.buffer_index(), keys_.stage(grant_.epoch, item.last),
       keys_.chunk(item.last)},
      {grant_.self.value, fmt::to_string(grant_.epoch.value), fmt::to_string(item.first.value),
       fmt::to_string(item.last.value), item.is_skip() ? "1" : "0", in_ms(limits_.chunk_ttl),
       in_ms(limits_.record_ttl), fmt::to_string(unlink_first), fmt::to_string(unlink_last),
       keys_.events(), keys_.chunk_prefix()},
      [weak = weak_from_this(), first = item.first, is_probe](const Result<redis::Reply>& reply) {
        const auto self = weak.lock();
        if (self) self->on_commit_answer(first, is_probe, reply);
      });
}

void AppenderState::on_store_failed(proto::ChunkIndex index, const Error& why) {
  if (!says(why, "OOM")) return;  // the commit's answer tells the rest
  auto* item = queue_.find(index);
  if (item == nullptr) return;
  item->found_no_room = true;
  if (!std::exchange(is_cautious_, true)) {
    log::warn("redis_short_of_memory", "stream={} chunk={} kept_bytes={}: keeping less of it",
              grant_.stream.text(), index.value, stored_.bytes());
  }
  // All that were in flight find no room: that is one shortage.
  if (makes_room_) return;
  makes_room_ = stored_.shrink();
  if (makes_room_) return;
  item->has_no_room = true;
  if (!std::exchange(is_without_room_, true)) {
    log::warn("redis_full", "stream={} chunk={}: chunks are skipped until Redis has room",
              grant_.stream.text(), index.value);
  }
}

void AppenderState::on_commit_answer(proto::ChunkIndex first, bool is_probe,
                                     const Result<redis::Reply>& reply) {
  --unanswered_;
  if (mode_ == Mode::Stopped) return;
  const auto answer = parse(reply);
  if (!answer) return on_commit_failed(answer.error());
  retry_delay_ = kFirstRetry;
  switch (static_cast<proto::CommitCode>(answer->code)) {
    case proto::CommitCode::Refused:
      return refuse({Errc::Refused, "commit: the stream has another owner"});
    case proto::CommitCode::Missing:
      if (!is_probe) on_missing_stage(first);
      begin_draining();
      break;
    case proto::CommitCode::OutOfOrder:
      begin_draining();
      break;
    case proto::CommitCode::Committed: {
      const auto* item = queue_.find(first);
      if (item != nullptr && !item->is_skip() && !is_probe) {
        is_cautious_ = is_without_room_ = false;
      }
      break;
    }
  }
  if (!go_on_from(answer->index)) return;
  if (is_probe) begin_draining();
  recover_when_drained();
  send_more();
  update_backlog();
}

void AppenderState::on_commit_failed(const Error& why) {
  // A key of another type stays in the way for ever; a new claim clears it.
  if (says(why, "WRONGTYPE")) return refuse({Errc::Protocol, why.text});
  if (mode_ == Mode::Sending) {
    log::debug("append_failed", "stream={} why={:?}", grant_.stream.text(), why.text);
  }
  needs_probe_ = true;
  begin_draining();
  recover_when_drained();
  update_backlog();
}

void AppenderState::on_missing_stage(proto::ChunkIndex index) {
  auto* item = queue_.find(index);
  if (item == nullptr || std::exchange(item->found_no_room, false)) return;
  ++item->missing_stages;
  if (item->missing_stages >= kMaxMissingStages) item->has_no_room = true;
}

bool AppenderState::go_on_from(proto::ChunkIndex index) {
  if (index < queue_.committed() || index >= queue_.next()) {
    refuse(
        {Errc::Protocol, fmt::format("commit: redis stands at {}, not between {} and {}",
                                     index.value, queue_.committed().value, queue_.next().value)});
    return false;
  }
  if (index == queue_.committed()) return true;
  queue_.commit(index);
  listener_.on_committed(index);
  return mode_ != Mode::Stopped;
}

void AppenderState::begin_draining() {
  if (mode_ == Mode::Sending || mode_ == Mode::Probing) mode_ = Mode::Draining;
}

void AppenderState::recover_when_drained() {
  if (mode_ != Mode::Draining || unanswered_ > 0) return;
  queue_.unsend_all();
  if (needs_probe_) return wait();
  if (std::exchange(makes_room_, false) && !queue_.is_empty()) return probe();
  mode_ = Mode::Sending;
}

void AppenderState::probe() {
  mode_ = Mode::Probing;
  commit(queue_.unsent(), true);
}

void AppenderState::wait() {
  mode_ = Mode::Waiting;
  retry_timer_->once(retry_delay_, [this] {
    if (mode_ != Mode::Waiting) return;
    const auto self = shared_from_this();  // the listener may destroy the appender
    self->resume();
    self->update_backlog();
  });
  retry_delay_ = std::min(retry_delay_ * 2, kLastRetry);
}

void AppenderState::resume() {
  if (!pipe_.is_up() || !grant_.may_write()) return wait();
  retry_timer_->stop();
  needs_probe_ = false;
  if (queue_.is_empty()) {
    mode_ = Mode::Sending;
    return;
  }
  probe();
}

void AppenderState::update_backlog() {
  if (mode_ == Mode::Stopped) return;
  const bool is_up = pipe_.is_up();
  const bool had_backlog = has_backlog_;
  if (!is_up || queue_.bytes() <= limits_.backlog_low) has_backlog_ = false;
  if (is_up && queue_.bytes() > limits_.backlog_high) has_backlog_ = true;
  if (has_backlog_ != had_backlog) listener_.on_backlog(has_backlog_);
}

void AppenderState::refuse(const Error& why) {
  close();
  log::warn("append_refused", "stream={} epoch={} why={:?}", grant_.stream.text(),
            grant_.epoch.value, why.text);
  listener_.on_append_refused(why);
}

}  // namespace ace::streams
