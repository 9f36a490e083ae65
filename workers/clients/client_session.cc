#include "workers/clients/client_session.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "workers/clients/client_socket.h"

namespace ace::clients {

using proto::http::BodyFraming;

namespace {

/// Chunks joined into one call when a client is behind: fewer calls is the whole saving there is.
constexpr std::size_t kMaxPieces = 16;

/// For the peer's end after ours.
constexpr std::chrono::milliseconds kLinger{2'000};

/// Between two looks at what a client that keeps up has acknowledged.
constexpr std::chrono::milliseconds kSampleEvery{10'000};

/// Sent to one client in one go before the others have their turn.
constexpr std::size_t kMaxBytesPerTurn = 2U << 20U;

iovec piece(ByteSpan bytes) {
  return {.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
}

}  // namespace

struct ClientSession::Gathered {
  std::array<iovec, kMaxPieces + 2> pieces{};
  std::size_t count{};
  void add(ByteSpan bytes) { pieces[count++] = piece(bytes); }
};

ClientSession::ClientSession(loop::Loop& loop, const Clock& clock, UniqueFd socket, ClientInfo info,
                             std::string head, proto::http::BodyFraming framing)
    : owed_{std::move(head)},
      socket_{std::move(socket)},
      framing_{framing},
      acks_{clock.now()},
      made_at_{clock.now()},
      clock_{clock},
      info_{std::move(info)},
      watcher_{loop, socket_.get(), [this](loop::FdEvents events) { on_ready(events); }} {
  watcher_.watch(true, false);
}

ClientSession::~ClientSession() { stop_reading(); }

ClientSession::ClientSession(loop::Loop& loop, const Clock& clock, UniqueFd socket, ClientInfo info,
                             BodyFraming framing, ClientProgress progress)
    : ClientSession{loop,   clock, std::move(socket), std::move(info), std::move(progress.owed),
                    framing} {
  phase_ = Phase::Feeding;
  bytes_sent_ = progress.bytes_sent;
  skips_ = progress.skips;
  hold_ = progress.hold;
}

void ClientSession::on_media(Opening opening) {
  if (phase_ == Phase::Waiting) {
    place_.opening = opening;
    if (opening == Opening::Nothing) return;
  }
  go_on();
}

void ClientSession::go_on() {
  if (pause_ == Pause::Rate) pause_ = Pause::None;
  if (pause_ == Pause::None && !send_newest()) pump();
}

bool ClientSession::send_newest() {
  // The steady state of almost every client, ten times a second: one chunk, one call.
  if (must_land_ || is_paced_) return false;
  const bool keeps_up = phase_ == Phase::Feeding && current_ == nullptr && owed_.empty() &&
                        next_.value + 1 == window_->edge().value;
  if (!keeps_up) return false;
  const auto chunk = window_->at(next_)->chunk;
  ++next_.value;
  return send_whole(chunk);
}

void ClientSession::send_filler(const proto::ChunkPtr& filler) {
  if (is_drained() && !send_whole(filler)) pump();
}

bool ClientSession::is_drained() const {
  return phase_ == Phase::Feeding && current_ == nullptr && owed_.empty() &&
         pause_ == Pause::None && (window_ == nullptr || next_ == window_->edge());
}

ClientRemains ClientSession::release() {
  ClientRemains remains{
      .socket = {}, .next = next_, .owed = {}, .has_missed = must_land_, .hold = hold_};
  if (phase_ == Phase::Feeding) {
    remains.owed = owed_.substr(owed_sent_);
    if (current_ != nullptr) remains.owed += as_text(wire(*current_).subspan(current_sent_));
  }
  phase_ = Phase::Gone;
  stop_reading();
  watcher_.watch(false, false);
  remains.socket = std::move(socket_);
  return remains;
}

bool ClientSession::send_whole(const proto::ChunkPtr& chunk) {
  const auto bytes = wire(*chunk);
  const ssize_t sent =
      ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  const auto size = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
  bytes_sent_ += size;
  if (size == bytes.size()) return true;
  current_ = chunk;
  current_sent_ = size;
  return false;
}

void ClientSession::finish() {
  if (phase_ == Phase::Finishing || phase_ == Phase::HalfClosed || phase_ == Phase::Gone) return;
  phase_ = Phase::Finishing;
  end_is_owed_ = framing_ == BodyFraming::Chunked;
  if (pause_ == Pause::Rate) pause_ = Pause::None;
  if (pause_ == Pause::None) pump();
}

void ClientSession::refuse(std::string answer) {
  if (phase_ != Phase::Waiting) return;
  owed_ = std::move(answer);
  phase_ = Phase::Finishing;
  stop_reading();
  window_ = nullptr;
  pump();
}

void ClientSession::tick() {
  const bool is_due = clock_.now() - acks_.sampled_at() >= kSampleEvery;
  if (pause_ == Pause::Socket || is_due) static_cast<void>(check_acks());
  // While the stream stands still what is held comes of age all the same.
  if (is_paced_ && phase_ != Phase::Waiting) go_on();
}

const AckWatch& ClientSession::check_acks() {
  acks_.update(sample_acks(socket_.get()), bytes_sent_, pause_ == Pause::Socket, clock_.now());
  return acks_;
}

bool ClientSession::is_stuck(std::chrono::milliseconds limit) const {
  const auto now = clock_.now();
  if (phase_ == Phase::HalfClosed) return now - ended_at_ > kLinger;
  return acks_.quiet(now) > limit;
}

void ClientSession::give_up() {
  // Behind the end of its answer a peer has its two seconds, and whatever is on its way.
  if (phase_ != Phase::HalfClosed) reset_on_close(socket_.get());
}

ClientPace ClientSession::pace() const {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  ClientPace pace{.lag = {},
                  .wanted = duration_cast<milliseconds>(std::max(hold_, began_behind_)),
                  .pause = pause_};
  if (window_ == nullptr || window_->empty()) return pace;
  const auto* newest = window_->at({window_->edge().value - 1});
  const auto* mine = window_->known_at(std::max(next_, window_->oldest_known()));
  if (mine != nullptr) pace.lag = duration_cast<milliseconds>(newest->arrived - mine->arrived);
  return pace;
}

ByteSpan ClientSession::wire(const proto::Chunk& chunk) const {
  return framing_ == BodyFraming::Chunked ? chunk.framed() : chunk.payload();
}

void ClientSession::on_ready(loop::FdEvents events) {
  if (events.readable) read_and_drop();
  if (phase_ == Phase::Gone || phase_ == Phase::HalfClosed) return;
  if (events.writable && pause_ == Pause::Socket) {
    pause_ = Pause::None;
    pump();
  }
}

void ClientSession::read_and_drop() {
  // Nothing a viewer sends after its request means anything, but its end does.
  std::array<char, 4096> ignored{};
  const ssize_t size = ::recv(socket_.get(), ignored.data(), ignored.size(), MSG_DONTWAIT);
  if (size > 0) return;
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (phase_ == Phase::HalfClosed) {
    end("finished");
  } else {
    end(size == 0 ? "client closed" : "connection lost");
  }
}

void ClientSession::pump() {
  if (phase_ == Phase::HalfClosed || phase_ == Phase::Gone) return;
  std::size_t sent_in_turn = 0;
  const bool has_no_place = phase_ == Phase::Waiting && window_ != nullptr && current_ == nullptr;
  if (has_no_place && !begin()) return;
  while (sent_in_turn < kMaxBytesPerTurn) {
    if (!may_send() || !reach_next()) return;
    Gathered gathered;
    const std::size_t size = gather(gathered);
    if (size == 0) {
      watcher_.watch(true, false);
      if (phase_ == Phase::Finishing) half_close();
      return;
    }
    msghdr message{};
    message.msg_iov = gathered.pieces.data();
    message.msg_iovlen = gathered.count;
    const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) {
      end("connection lost");
      return;
    }
    if (sent > 0) advance(static_cast<std::size_t>(sent));
    if (sent > 0 && is_paced_) bucket_.take(static_cast<std::size_t>(sent), clock_.now());
    if (sent < static_cast<ssize_t>(size)) {
      pause_ = Pause::Socket;
      watcher_.watch(true, true);
      return;
    }
    sent_in_turn += size;
  }
  // More is there, but the others come first: the socket tells when it is writable, which is now.
  pause_ = Pause::Socket;
  watcher_.watch(true, true);
}

std::size_t ClientSession::gather(Gathered& out) {
  std::size_t size = 0;
  const auto add = [&](ByteSpan bytes) {
    out.add(bytes);
    size += bytes.size();
  };
  const std::size_t most = bucket_.is_limited() ? 1 : kMaxPieces;
  const auto* item = window_ != nullptr ? window_->at(next_) : nullptr;
  // The head waits for the first media: an error answer may still take its place.
  if (phase_ == Phase::Waiting && item == nullptr && current_ == nullptr) return 0;
  if (owed_sent_ < owed_.size()) add(as_bytes(std::string_view{owed_}.substr(owed_sent_)));
  if (current_ != nullptr) add(wire(*current_).subspan(current_sent_));
  for (auto at = next_; item != nullptr && is_due(*item) && out.count < most;
       item = window_->at(at)) {
    add(wire(*item->chunk));
    ++at.value;
  }
  if (size == 0 && end_is_owed_) {
    owed_ = "0\r\n\r\n";
    owed_sent_ = 0;
    end_is_owed_ = false;
    add(as_bytes(owed_));
  }
  return size;
}

void ClientSession::advance(std::size_t sent) {
  bytes_sent_ += sent;
  if (phase_ == Phase::Waiting) {
    phase_ = Phase::Feeding;
    join_time_ = clock_.now() - made_at_;
  }
  const std::size_t text = std::min(sent, owed_.size() - owed_sent_);
  owed_sent_ += text;
  sent -= text;
  if (owed_sent_ == owed_.size()) {
    owed_.clear();
    owed_sent_ = 0;
  }
  while (sent > 0) {
    if (current_ == nullptr) {
      current_ = window_->at(next_)->chunk;
      current_sent_ = 0;
      ++next_.value;
    }
    const std::size_t rest = wire(*current_).size() - current_sent_;
    const std::size_t part = std::min(sent, rest);
    current_sent_ += part;
    sent -= part;
    if (part == rest) current_ = nullptr;
  }
}

void ClientSession::half_close() {
  // A close() with unread input would be a reset, and could cost the peer our last bytes: so only
  // our direction ends here, and the peer's end (or the janitor) ends the rest.
  phase_ = Phase::HalfClosed;
  ::shutdown(socket_.get(), SHUT_WR);
  ended_at_ = clock_.now();
}

void ClientSession::end(std::string_view why) {
  phase_ = Phase::Gone;
  stop_reading();
  watcher_.watch(false, false);
  if (listener_ != nullptr) listener_->on_client_gone(*this, why);
}

}  // namespace ace::clients
