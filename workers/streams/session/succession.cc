#include "workers/streams/session/succession.h"

#include <algorithm>
#include <utility>

#include "workers/streams/session/session_record.h"

namespace ace::streams {
namespace {

const ChunkWindow::Item* newest_of(const ChunkWindow& window) {
  return window.at({window.edge().value - 1});
}

}  // namespace

std::vector<proto::ChunkPtr> tail_of(const ChunkWindow& window) {
  std::vector<proto::ChunkPtr> tail;
  std::size_t bytes = 0;
  for (auto at = window.edge(); at > window.oldest() && bytes < Splicer::kTailBytes;) {
    --at.value;
    tail.push_back(window.at(at)->chunk);
    bytes += tail.back()->size();
  }
  std::ranges::reverse(tail);
  return tail;
}

std::optional<engines::SessionInfo> Succession::known_session() const {
  return parse_session(session_);
}

void Succession::read_heritage(const ChunkWindow& window, proto::ChunkIndex index, bool has_lease,
                               HeritageCallback callback) {
  HeritageReader::Wanted wanted;
  const auto* newest = newest_of(window);
  if (has_lease) {
    wanted.session = !known_session();
    const auto burst =
        std::min<std::uint64_t>(index.value, services_.options.follower.initial_behind);
    wanted.after = newest != nullptr ? newest->index : proto::ChunkIndex{index.value - burst};
    if (wanted.after < index) wanted.upto = index;
  }
  // Where followed chunks were still being spliced, they are read again.
  if (!splicer_.is_passing()) splicer_.begin(tail_of(window));
  reader_ = std::make_shared<HeritageReader>(services_, id_);
  reader_->start(wanted, [this, &window, callback = std::move(callback)](Heritage heritage) {
    for (auto& piece : heritage.chunks) piece.chunk = news_of(std::move(piece.chunk));
    std::erase_if(heritage.chunks, [](const auto& piece) { return piece.chunk == nullptr; });
    splicer_.begin({});
    if (!heritage.session) heritage.session = known_session();
    session_.clear();
    reader_.reset();
    const bool is_cold = !heritage.session && heritage.chunks.empty() && window.empty();
    if (is_cold) {
      delay_cold_start(std::move(heritage), callback);
    } else {
      callback(std::move(heritage));
    }
  });
}

void Succession::delay_cold_start(Heritage nothing, const HeritageCallback& callback) {
  // Probes, zapping and players that open five times over: a session that is stopped again costs
  // the engine more than a third of a second costs who stays.
  const auto rest = watched_since_ + services_.options.start_delay - services_.clock.now();
  if (rest <= std::chrono::nanoseconds{0}) {
    callback(std::move(nothing));
    return;
  }
  // Asked anew then: another one may have come, after the first had left.
  nothing.was_delayed = true;
  shield_->once(std::chrono::ceil<std::chrono::milliseconds>(rest),
                [this, nothing, callback] { delay_cold_start(nothing, callback); });
}

std::chrono::nanoseconds Succession::waited() const {
  if (watched_since_ == SteadyTime{}) return {};
  return services_.clock.now() - watched_since_;
}

void Succession::stop_reading() {
  reader_.reset();
  shield_->stop();
}

void Succession::on_owning() {
  if (std::exchange(was_foreign_, false)) ++services_.me().takeovers;
}

bool Succession::may_command(const ownership::StreamLease& lease) const {
  if (lease.is_held()) return lease.may_write();
  // Redis is asked whose the stream is: until it answers, nobody knows.
  if (services_.redis_is_up() && !is_alone_) return false;
  const auto stream = services_.table().find(services_.board(), id_);
  return stream && stream->owner == services_.self;
}

bool Succession::may_stop(const ownership::StreamLease& lease) const {
  if (lease.is_held()) return lease.may_write();
  // Other hosts learn of a session from Redis, from whoever has had the lease.
  const bool was_told = lease.epoch().value > 0;
  return !was_told && may_command(lease);
}

void Succession::step_down(const ChunkWindow& window, proto::ChunkIndex index) {
  const auto* newest = newest_of(window);
  follow_after_.reset();
  if (newest == nullptr || newest->index == committed_) return;
  // Our numbers mean nothing to an owner whose chunks do not follow ours.
  if (committed_.value > 0 && committed_ <= index) follow_after_ = committed_;
  splicer_.begin(tail_of(window));
}

void Succession::begin_anew(const ChunkWindow& window) {
  follow_after_.reset();
  if (!window.empty()) splicer_.begin(tail_of(window));
}

std::optional<proto::ChunkIndex> Succession::follow_after(const ChunkWindow& window) {
  if (!splicer_.is_passing()) return std::exchange(follow_after_, std::nullopt);
  // Who followed before goes on behind what its viewers have already got.
  const auto* newest = newest_of(window);
  if (newest == nullptr) return std::nullopt;
  return newest->index;
}

proto::ChunkPtr Succession::news_of(proto::ChunkPtr chunk) {
  if (splicer_.is_done()) return chunk;
  std::vector<std::byte> news;
  splicer_.feed(chunk->payload(), services_.clock.now(), [&news](ByteSpan packets) {
    news.insert(news.end(), packets.begin(), packets.end());
  });
  if (news.empty()) return nullptr;
  return proto::Chunk::copy_of(news);
}

}  // namespace ace::streams
