#include "workers/streams/store/follower_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "coordinator/ownership/replies.h"
#include "proto/redis/redis_scripts.h"
#include "shared/base/check.h"

namespace ace::streams {
namespace {

/// Before the first chunk has told: what chunks are cut at.
constexpr std::size_t kExpectedChunkBytes = 320_KiB;
/// A server that goes on refusing one key (no permission, junk) must not hold up the stream.
constexpr int kMaxRefusals = 3;
/// Answers in a row of an earlier epoch than ours: what we took for a later one was junk.
constexpr int kEpochsBefore = 3;

const redis::Script& position_script() {
  static const redis::Script script{proto::kPositionScript};
  return script;
}

bool is_connection_error(const Error& error) {
  return error.code == Errc::Closed || error.code == Errc::Timeout ||
         error.code == Errc::Unavailable;
}

bool is_believable(std::size_t size) {
  return size > 0 && size % proto::kTsPacketSize == 0 && size <= proto::kMaxChunkBytes;
}

}  // namespace

FollowerState::FollowerState(proto::StreamId stream, redis::ChunkPipe& pipe,
                             loop::TimerFactory& timers, FollowLimits limits,
                             ChunkFollower::Listener& listener)
    : keys_{stream},
      pipe_{pipe},
      limits_{limits},
      listener_{listener},
      poll_timer_{timers.make()},
      largest_chunk_{kExpectedChunkBytes} {}

void FollowerState::start(std::optional<proto::ChunkIndex> after) {
  ACE_CHECK(mode_ == Mode::Created, "a follower is started once");
  mode_ = Mode::Seeking;
  after_ = after;
  poll_timer_->every(limits_.poll, [this] { poll(); });
  poll();
}

void FollowerState::close() {
  mode_ = Mode::Closed;
  poll_timer_->stop();
}

void FollowerState::poll() {
  if (mode_ == Mode::Created || mode_ == Mode::Closed || is_polling_) return;
  is_polling_ = true;
  const bool is_seeking = mode_ == Mode::Seeking;
  const bool looks_back = is_seeking && !after_;
  pipe_.eval(position_script(), {keys_.metadata(), keys_.buffer_index()},
             {keys_.chunk_prefix(), looks_back ? fmt::to_string(limits_.initial_behind) : "0",
              fmt::to_string(limits_.initial_bytes)},
             [weak = weak_from_this(), is_seeking](const Result<redis::Reply>& reply) {
               if (const auto self = weak.lock()) self->on_position(is_seeking, reply);
             });
}

void FollowerState::on_position(bool was_seeking, const Result<redis::Reply>& reply) {
  is_polling_ = false;
  if (mode_ == Mode::Closed || !reply) return;  // asked again with the next period
  const auto epoch = ownership::count_at(*reply, 0);
  const auto index = ownership::count_at(*reply, 1);
  const auto first = ownership::count_at(*reply, 2);
  if (!epoch || !index || !first || *epoch == 0) return;  // no such stream, or not yet
  settle_unsure({*epoch});
  fetch_failed_again();
  if (mode_ == Mode::Following) {
    // A claim's event may overtake the answer to a question that was asked before it, once.
    const bool is_before = proto::OwnerEpoch{*epoch} < epoch_;
    if (is_before && ++epochs_before_ < kEpochsBefore) return;
    epochs_before_ = 0;
    if (is_before) epoch_ = {};
    return on_newest({*epoch}, {*index}, std::nullopt);
  }
  if (!was_seeking) return poll();  // asked before the follower had to seek
  begin_at({*epoch}, {*index}, {*first});
}

void FollowerState::begin_at(proto::OwnerEpoch epoch, proto::ChunkIndex newest,
                             proto::ChunkIndex first) {
  next_ = after_ ? after_->next() : first;
  newest_ = newest;
  mode_ = Mode::Following;
  if (epoch > epoch_) change_epoch(epoch, {next_.value - 1});
  fetch_more();
}

void FollowerState::change_epoch(proto::OwnerEpoch epoch, proto::ChunkIndex begins_after) {
  epoch_before_ = epoch_.value == 0 ? epoch : epoch_;
  epoch_ = epoch;
  epoch_begins_after_ = begins_after;
}

void FollowerState::on_newest(proto::OwnerEpoch epoch, proto::ChunkIndex index,
                              std::optional<proto::ChunkIndex> begins_after) {
  if (mode_ == Mode::Seeking) return poll();
  if (mode_ != Mode::Following || epoch < epoch_) return;
  if (epoch > epoch_ && index.next() < next_) {
    // Redis lost its memory: what was handed on is beyond the new owner's chunks. Cursors are
    // compared within one epoch only, so begin anew.
    fetches_.clear();
    missing_from_.reset();
    after_.reset();
    mode_ = Mode::Seeking;
    return poll();
  }
  if (epoch > epoch_) change_epoch(epoch, begins_after.value_or(newest_));
  newest_ = std::max(newest_, index);
  fetch_more();
  static_cast<void>(deliver());
}

bool FollowerState::has_room() const {
  const auto under_way = fetches_.size() + 1;
  if (under_way == 1) return true;
  return under_way <= limits_.read_ahead_chunks &&
         under_way * largest_chunk_ <= limits_.read_ahead_bytes;
}

void FollowerState::fetch_more() {
  if (mode_ != Mode::Following) return;
  if (fetches_.empty() && newest_.value >= next_.value + limits_.max_behind) {
    if (!missing_from_) missing_from_ = next_;
    next_ = {newest_.value - limits_.max_behind + 1};
  }
  while (pipe_.is_up() && has_room() && next_.value + fetches_.size() <= newest_.value) {
    fetches_.push_back(std::make_shared<Fetch>());
    fetches_.back()->index = {next_.value + fetches_.size() - 1};
    fetch(fetches_.back());
  }
}

void FollowerState::fetch(const std::shared_ptr<Fetch>& fetch) {
  fetch->stage = Fetch::Stage::Asked;
  fetch->asked_in = epoch_;
  pipe_.get(
      keys_.chunk(fetch->index),
      [fetch](std::size_t size) -> std::span<std::byte> {
        if (!is_believable(size)) return {};
        fetch->chunk = proto::Chunk::allocate(size);
        return fetch->chunk->mutable_payload();
      },
      [weak = weak_from_this(), fetch](const Result<std::optional<std::size_t>>& answer) {
        if (const auto self = weak.lock()) self->on_fetched(*fetch, answer);
      });
}

void FollowerState::fetch_failed_again() {
  if (!pipe_.is_up()) return;
  for (const auto& failed : fetches_) {
    if (failed->stage == Fetch::Stage::Failed) fetch(failed);
  }
}

void FollowerState::settle_unsure(proto::OwnerEpoch epoch) {
  for (const auto& unsure : fetches_) {
    if (unsure->stage != Fetch::Stage::Unsure) continue;
    unsure->stage = epoch == unsure->asked_in ? Fetch::Stage::Missing : Fetch::Stage::Failed;
  }
}

void FollowerState::on_fetched(Fetch& fetch, const Result<std::optional<std::size_t>>& answer) {
  if (mode_ == Mode::Closed) return;
  if (!answer) {
    const bool is_refusal = !is_connection_error(answer.error());
    if (is_refusal) ++fetch.refusals;
    const bool is_hopeless = answer.error().code == Errc::TooLarge ||
                             answer.error().text.find("WRONGTYPE") != std::string::npos ||
                             fetch.refusals >= kMaxRefusals;
    fetch.stage = is_hopeless ? Fetch::Stage::Missing : Fetch::Stage::Failed;
  } else if (!*answer) {
    // An owner whose stream Redis has lost gives the chunks back before it claims: in a new epoch
    // they may be there. Only a stream that stands as it did does not have them.
    fetch.stage = Fetch::Stage::Unsure;
    poll();
  } else if (!fetch.chunk || **answer != fetch.chunk->size()) {
    fetch.stage = Fetch::Stage::Missing;
  } else {
    fetch.stage = Fetch::Stage::Here;
    largest_chunk_ = std::max(largest_chunk_, fetch.chunk->size());
    ++fetched_;
  }
  if (deliver()) fetch_more();
}

bool FollowerState::deliver() {
  while (!fetches_.empty()) {
    const auto front = fetches_.front();
    // Its answer tells more of what misses.
    if (front->stage == Fetch::Stage::Asked || front->stage == Fetch::Stage::Unsure) return true;
    if (front->stage == Fetch::Stage::Failed) return tell_missing();
    if (front->stage == Fetch::Stage::Here && !tell_missing()) return false;
    // Whoever was told may have made this one begin anew.
    if (fetches_.empty() || fetches_.front() != front) continue;
    fetches_.pop_front();
    next_ = front->index.next();
    if (front->stage == Fetch::Stage::Missing) {
      if (!missing_from_) missing_from_ = front->index;
      continue;
    }
    listener_.on_chunk(epoch_of(front->index), front->index, std::move(front->chunk));
    if (mode_ == Mode::Closed) return false;
  }
  return tell_missing();
}

bool FollowerState::tell_missing() {
  if (!missing_from_) return mode_ != Mode::Closed;
  const auto first = *missing_from_;
  missing_from_.reset();
  listener_.on_missing(first, {next_.value - 1});
  return mode_ != Mode::Closed;
}

}  // namespace ace::streams
