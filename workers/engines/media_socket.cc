#include "workers/engines/media_socket.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "workers/engines/read_buffer.h"

namespace ace::engines {
namespace {

/// Reads in one go, before the others of the loop have their turn.
constexpr int kReadsPerTurn = 4;

Error ended() { return {Errc::Closed, "engine ended the stream"}; }

}  // namespace

MediaSocket::MediaSocket(loop::Loop& loop, OpenBody body, Listener& listener)
    : loop_{loop},
      body_{std::move(body)},
      listener_{listener},
      is_paused_{true},
      alive_{std::make_shared<const MediaSocket*>(this)} {
  if (body_.socket) {
    watcher_ = std::make_unique<loop::FdWatcher>(loop_, body_.socket.get(),
                                                 [this](loop::FdEvents) { read(); });
  }
  if (!body_.socket || body_.decoder.is_over()) end_ = ended();
  resume();
}

void MediaSocket::resume() {
  if (!is_paused_ && !is_reading_) return;
  loop_.post([this, life = Life{alive_}] {
    if (life.expired() || !std::exchange(is_paused_, false)) return;
    if (!hand_on_unread()) return;
    if (end_) return end(*std::exchange(end_, std::nullopt));
    if (watcher_) watcher_->watch(true, false);
  });
}

void MediaSocket::set_low_water(std::size_t bytes) {
  const int size = static_cast<int>(bytes);
  // A kernel that refuses goes on waking us for every byte: slower, not wrong.
  (void)::setsockopt(body_.socket.get(), SOL_SOCKET, SO_RCVLOWAT, &size, sizeof size);
}

void MediaSocket::read_waiting() {
  if (!is_paused_ && !is_reading_) read();
}

OpenBody MediaSocket::release() {
  alive_.reset();
  watcher_.reset();  // before the descriptor goes: the loop would go on watching what it stood for
  return std::move(body_);
}

void MediaSocket::read() {
  const Life life{alive_};
  ReadBuffer buffer;
  const auto room = buffer.bytes();
  is_reading_ = true;
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const ssize_t size = ::recv(body_.socket.get(), room.data(), room.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) break;
    if (size < 0) return end({Errc::Closed, std::string{"read: "} + std::strerror(errno)});
    if (size == 0) return end(ended());
    const bool goes_on = take(room.first(static_cast<std::size_t>(size)));
    if (life.expired()) return;
    if (!goes_on) {
      is_reading_ = false;
      return;
    }
    if (static_cast<std::size_t>(size) < room.size()) break;
  }
  is_reading_ = false;
  // Whoever reads a socket that has failed is told why by recv(); the watcher stops at a failure.
  watcher_->watch(true, false);
}

bool MediaSocket::take(ByteSpan bytes) {
  pieces_.clear();
  const auto fed = body_.decoder.feed(bytes, [this](ByteSpan body) { pieces_.push_back(body); });
  if (!fed) end_ = fed.error();
  if (fed && body_.decoder.is_over()) end_ = ended();
  const Life life{alive_};
  for (const auto piece : pieces_) {
    if (!is_paused_) {
      const bool is_taken = listener_.on_media_bytes(piece);
      if (life.expired()) return false;
      is_paused_ = !is_taken;
    }
    if (is_paused_) body_.unread.append(as_text(piece));
  }
  if (is_paused_) {
    watcher_->watch(false, false);
    return false;
  }
  if (!end_) return true;
  end(*std::exchange(end_, std::nullopt));
  return false;
}

bool MediaSocket::hand_on_unread() {
  if (body_.unread.empty()) return true;
  const Life life{alive_};
  is_reading_ = true;
  // A copy in hand: the listener may destroy the socket.
  auto unread = std::exchange(body_.unread, {});
  const bool is_taken = listener_.on_media_bytes(as_bytes(unread));
  if (life.expired()) return false;
  is_reading_ = false;
  if (is_taken) return true;
  is_paused_ = true;
  body_.unread = std::move(unread);
  return false;
}

void MediaSocket::end(Error why) {
  watcher_.reset();
  is_paused_ = true;
  end_.reset();
  listener_.on_media_end(std::move(why));
}

}  // namespace ace::engines
