#include "tests/engine_sim/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "shared/base/bytes.h"

namespace ace::sim {
namespace {

constexpr std::size_t kMaxHead = 32_KiB;
/// Around the sizes where a reader's packet arithmetic can go wrong.
constexpr std::array<std::size_t, 9> kOddSizes{1, 187, 189, 375, 2, 1317, 94, 563, 4099};

}  // namespace

Connection::Connection(loop::Loop& loop, std::uint64_t id, UniqueFd fd, OnRequest on_request)
    : id_{id}, fd_{std::move(fd)}, on_request_{std::move(on_request)} {
  watcher_ =
      std::make_unique<loop::FdWatcher>(loop, fd_.get(), [this](loop::FdEvents) { on_ready(); });
  watcher_->watch(true, false);
}

void Connection::on_ready() {
  read();
  if (!is_closed()) flush();
}

void Connection::read() {
  std::array<char, 4096> buffer;
  const auto size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) return close(CloseHow::Finish);
  if (has_request_) return;  // a body or a second request: nobody asks for what it says
  head_.append(buffer.data(), static_cast<std::size_t>(size));
  const auto end = head_.find("\r\n\r\n");
  if (end == std::string::npos) {
    if (head_.size() > kMaxHead) close(CloseHow::Finish);
    return;
  }
  has_request_ = true;
  const auto request = parse_request(std::string_view{head_}.substr(0, end));
  if (!request) return finish_with(make_reply("400 Bad Request", "text/plain", "bad request"));
  on_request_(*this, *request);
}

void Connection::write(std::string_view bytes) {
  if (is_closed()) return;
  unsent_.append(bytes);
  flush();
}

void Connection::finish_with(std::string_view bytes) {
  closes_when_sent_ = true;
  write(bytes);
}

void Connection::limit_rate(double bytes_per_second, SteadyTime now) {
  rate_ = bytes_per_second;
  allowance_ = 0;
  last_tick_ = now;
}

void Connection::tick(SteadyTime now) {
  if (is_closed() || rate_ <= 0) return;
  allowance_ += rate_ * std::chrono::duration<double>(now - last_tick_).count();
  last_tick_ = now;
  flush();
}

std::size_t Connection::next_piece() {
  auto size = queued();
  if (rate_ > 0) size = std::min(size, static_cast<std::size_t>(std::max(0.0, allowance_)));
  if (is_split_) size = std::min(size, kOddSizes[pieces_++ % kOddSizes.size()]);
  return size;
}

void Connection::flush() {
  bool is_blocked = false;
  for (auto size = next_piece(); size > 0 && !is_blocked; size = is_blocked ? 0 : next_piece()) {
    const auto count = ::send(fd_.get(), unsent_.data() + sent_, size, MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) return close(CloseHow::Finish);
    is_blocked = count < 0;
    if (count <= 0) continue;
    sent_ += static_cast<std::size_t>(count);
    if (rate_ > 0) allowance_ -= static_cast<double>(count);
  }
  if (queued() == 0) {
    unsent_.clear();
    sent_ = 0;
    if (closes_when_sent_) return close(CloseHow::Finish);
  }
  watcher_->watch(true, is_blocked);
}

void Connection::close(CloseHow how) {
  if (is_closed()) return;
  watcher_.reset();
  if (how == CloseHow::Reset) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  fd_.reset();
}

}  // namespace ace::sim
