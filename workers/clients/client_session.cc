#include "workers/clients/client_session.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace ace::clients {

using proto::http::BodyFraming;

namespace {

/// Chunks joined into one call when a client is behind: fewer calls is the whole saving there is.
constexpr std::size_t kMaxPieces = 16;

/// For the peer's end after ours.
constexpr std::chrono::milliseconds kLinger{2'000};

/// Sent to one client in one go before the others have their turn.
constexpr std::size_t kMaxBytesPerTurn = 2U << 20U;

iovec piece(ByteSpan bytes) {
  return {.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
}

/// The rest of a chunk from its random access point on, with the tables in front.
proto::ChunkPtr lead_in(const streams::ChunkWindow::Item& item) {
  const ByteSpan tables{item.random_access->tables};
  const auto media = item.chunk->payload().subspan(item.random_access->offset);
  const auto chunk = proto::Chunk::allocate(tables.size() + media.size());
  const auto after_tables = std::ranges::copy(tables, chunk->mutable_payload().begin()).out;
  std::ranges::copy(media, after_tables);
  return chunk;
}

void set_option(int socket, int level, int option, int value) {
  // A socket that does not know an option (a unix one) is served without it.
  (void)::setsockopt(socket, level, option, &value, sizeof value);
}

}  // namespace

struct ClientSession::Gathered {
  std::array<iovec, kMaxPieces + 2> pieces{};
  std::size_t count{};
  void add(ByteSpan bytes) { pieces[count++] = piece(bytes); }
};

ClientSession::ClientSession(loop::Loop& loop, const Clock& clock, UniqueFd socket, ClientInfo info,
                             std::string head, proto::http::BodyFraming framing)
    : last_progress_{clock.now()},
      owed_{std::move(head)},
      socket_{std::move(socket)},
      framing_{framing},
      clock_{clock},
      info_{std::move(info)},
      watcher_{loop, socket_.get(), [this](loop::FdEvents events) { on_ready(events); }} {
  watcher_.watch(true, false);
}

void ClientSession::join(const streams::ChunkWindow& window, std::chrono::milliseconds burst) {
  window_ = &window;
  burst_ = burst;
  next_ = window.edge();
  if (phase_ == Phase::Waiting && !window.empty()) pump();
}

void ClientSession::begin() {
  next_ = window_->join_position(burst_);
  const auto* item = window_->at(next_);
  if (item == nullptr || item->random_access == nullptr) return;
  current_ = lead_in(*item);
  current_sent_ = 0;
  ++next_.value;
}

ClientSession::ClientSession(loop::Loop& loop, const Clock& clock, UniqueFd socket, ClientInfo info,
                             BodyFraming framing, Progress progress)
    : ClientSession{loop, clock, std::move(socket), std::move(info), {}, framing} {
  phase_ = Phase::Feeding;
  bytes_sent_ = progress.bytes_sent;
  skips_ = progress.skips;
}

void ClientSession::feed_from(const streams::ChunkWindow& window, streams::WindowPosition from) {
  window_ = &window;
  next_ = from;
  if (window.at(next_) != nullptr) pump();
}

void ClientSession::on_media(SteadyTime now) {
  if (!is_blocked_ && !send_newest(now)) pump();
}

bool ClientSession::send_newest(SteadyTime now) {
  // The steady state of almost every client, ten times a second: one chunk, one call.
  const bool keeps_up = phase_ == Phase::Feeding && current_ == nullptr && owed_.empty() &&
                        next_.value + 1 == window_->edge().value;
  if (!keeps_up) return false;
  const auto chunk = window_->at(next_)->chunk;
  ++next_.value;
  return send_whole(chunk, now);
}

void ClientSession::send_filler(const proto::ChunkPtr& filler) {
  if (is_drained() && !send_whole(filler, clock_.now())) pump();
}

bool ClientSession::is_drained() const {
  return phase_ == Phase::Feeding && current_ == nullptr && owed_.empty() && !is_blocked_ &&
         (window_ == nullptr || next_ == window_->edge());
}

UniqueFd ClientSession::release() {
  phase_ = Phase::Gone;
  watcher_.watch(false, false);
  return std::move(socket_);
}

bool ClientSession::send_whole(const proto::ChunkPtr& chunk, SteadyTime now) {
  const auto bytes = wire(*chunk);
  const ssize_t sent =
      ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  const auto size = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
  if (size > 0) {
    bytes_sent_ += size;
    last_progress_ = now;
  }
  if (size == bytes.size()) return true;
  current_ = chunk;
  current_sent_ = size;
  return false;
}

void ClientSession::finish() {
  if (phase_ == Phase::Finishing || phase_ == Phase::HalfClosed || phase_ == Phase::Gone) return;
  phase_ = Phase::Finishing;
  end_is_owed_ = framing_ == BodyFraming::Chunked;
  if (!is_blocked_) pump();
}

void ClientSession::refuse(std::string answer) {
  if (phase_ != Phase::Waiting) return;
  owed_ = std::move(answer);
  phase_ = Phase::Finishing;
  window_ = nullptr;
  pump();
}

bool ClientSession::is_stuck(std::chrono::milliseconds limit) const {
  const auto quiet = clock_.now() - last_progress_;
  if (phase_ == Phase::HalfClosed) return quiet > kLinger;
  return is_blocked_ && quiet > limit;
}

std::chrono::milliseconds ClientSession::lag() const {
  if (window_ == nullptr || window_->empty()) return {};
  const auto* newest = window_->at({window_->edge().value - 1});
  const auto* mine = window_->at(next_);
  if (mine == nullptr) return {};
  return std::chrono::duration_cast<std::chrono::milliseconds>(newest->arrived - mine->arrived);
}

ByteSpan ClientSession::wire(const proto::Chunk& chunk) const {
  return framing_ == BodyFraming::Chunked ? chunk.framed() : chunk.payload();
}

void ClientSession::on_ready(loop::FdEvents events) {
  if (events.readable) read_and_drop();
  if (phase_ == Phase::Gone || phase_ == Phase::HalfClosed) return;
  if (events.writable) {
    is_blocked_ = false;
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
  if (phase_ == Phase::Waiting && window_ != nullptr && current_ == nullptr) begin();
  while (sent_in_turn < kMaxBytesPerTurn) {
    skip_if_left_behind();
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
    if (sent < static_cast<ssize_t>(size)) {
      is_blocked_ = true;
      watcher_.watch(true, true);
      return;
    }
    sent_in_turn += size;
  }
  // More is there, but the others come first: the socket tells when it is writable, which is now.
  is_blocked_ = true;
  watcher_.watch(true, true);
}

std::size_t ClientSession::gather(Gathered& out) {
  std::size_t size = 0;
  const auto add = [&](ByteSpan bytes) {
    out.add(bytes);
    size += bytes.size();
  };
  const streams::ChunkWindow::Item* item =
      window_ != nullptr && out.count < kMaxPieces ? window_->at(next_) : nullptr;
  // The head waits for the first media: an error answer may still take its place.
  if (phase_ == Phase::Waiting && item == nullptr && current_ == nullptr) return 0;
  if (owed_sent_ < owed_.size()) add(as_bytes(std::string_view{owed_}.substr(owed_sent_)));
  if (current_ != nullptr) add(wire(*current_).subspan(current_sent_));
  for (auto at = next_; item != nullptr && out.count < kMaxPieces; item = window_->at(at)) {
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
  last_progress_ = clock_.now();
  if (phase_ == Phase::Waiting) phase_ = Phase::Feeding;
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

void ClientSession::skip_if_left_behind() {
  if (window_ == nullptr || next_ >= window_->oldest()) return;
  ++skips_;
  // The newest chunk: whoever could not keep up with the whole window gets as much room as there
  // is.
  next_ = window_->edge();
  if (!window_->empty()) --next_.value;
}

void ClientSession::half_close() {
  // A close() with unread input would be a reset, and could cost the peer our last bytes: so only
  // our direction ends here, and the peer's end (or the janitor) ends the rest.
  phase_ = Phase::HalfClosed;
  ::shutdown(socket_.get(), SHUT_WR);
  last_progress_ = clock_.now();
}

void ClientSession::end(std::string_view why) {
  phase_ = Phase::Gone;
  watcher_.watch(false, false);
  if (listener_ != nullptr) listener_->on_client_gone(*this, why);
}

void tune_client_socket(int socket, std::chrono::milliseconds user_timeout) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 10);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(user_timeout.count()));
}

}  // namespace ace::clients
