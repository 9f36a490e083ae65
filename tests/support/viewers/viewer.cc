#include "tests/support/viewers/viewer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

namespace ace::test {
namespace {

constexpr std::size_t kMaxErrorBody = 4_KiB;

/// Of the stream that a target names by its 40 digits: as a content id, or as an infohash.
std::vector<std::uint64_t> tags_of(std::string_view target) {
  constexpr std::ptrdiff_t kDigits = 40;
  const auto is_digit = [](unsigned char c) { return std::isxdigit(c) != 0; };
  for (auto at = target.begin(); at != target.end();) {
    const auto begin = std::find_if(at, target.end(), is_digit);
    at = std::find_if_not(begin, target.end(), is_digit);
    if (at - begin != kDigits) continue;
    std::string id{begin, at};
    std::ranges::transform(id, id.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return {stream_tag(infohash_of_content(id)), stream_tag(id)};
  }
  return {};
}

}  // namespace

Viewer::Viewer(std::uint16_t port, std::string target, const ViewerOptions& options,
               SteadyTime connect_at)
    : port_{port},
      target_{std::move(target)},
      options_{options},
      connect_at_{connect_at},
      parser_{options.method != "HEAD"},
      checker_{options.takes_any_stream ? std::vector<std::uint64_t>{} : tags_of(target_)} {}

std::string Viewer::worker() const { return headers().find("x-ace-worker").value_or(""); }

std::optional<std::chrono::nanoseconds> Viewer::first_byte_after() const {
  if (!first_byte_at_) return std::nullopt;
  return *first_byte_at_ - connected_at_;
}

std::chrono::nanoseconds Viewer::longest_pause(SteadyTime now) const {
  if (!first_byte_at_ || is_over()) return longest_pause_;
  return std::max(longest_pause_, now - last_byte_at_);
}

void Viewer::connect(SteadyTime now) {
  connected_at_ = now;
  fd_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (options_.receive_buffer > 0) {
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &options_.receive_buffer,
                 sizeof options_.receive_buffer);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  unsent_ = options_.method + " " + target_ + (options_.http10 ? " HTTP/1.0" : " HTTP/1.1") +
            "\r\nHost: 127.0.0.1:" + std::to_string(port_) + "\r\n";
  for (const auto& [name, value] : options_.headers) unsent_ += name + ": " + value + "\r\n";
  unsent_ += "\r\n";
  state_ = ViewerState::Connecting;
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    finish(ViewerState::Refused);
  }
}

std::size_t Viewer::allowance(SteadyTime now) const {
  if (options_.read_limit == 0) return SIZE_MAX;
  const std::chrono::duration<double> elapsed = now - connected_at_;
  const auto earned =
      static_cast<std::uint64_t>(elapsed.count() * static_cast<double>(options_.read_limit));
  return earned > received_ ? static_cast<std::size_t>(earned - received_) : 0;
}

std::uint32_t Viewer::wanted_events(SteadyTime now) const {
  if (!fd_ || is_over()) return 0;
  std::uint32_t events = 0;
  if (state_ == ViewerState::Connecting || !unsent_.empty()) events |= EPOLLOUT;
  if (state_ != ViewerState::Connecting && allowance(now) > 0) events |= EPOLLIN;
  return events;
}

void Viewer::on_ready(std::uint32_t events, SteadyTime now, std::span<std::byte> buffer,
                      AgeHistogram& ages) {
  if (state_ == ViewerState::Connecting) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return finish(ViewerState::Refused);
    state_ = ViewerState::Head;
  }
  if (!unsent_.empty()) send_request();
  // A hang-up or error is told by what recv returns, after the bytes that are still there.
  const bool is_hung_up = (events & (EPOLLHUP | EPOLLERR)) != 0;
  if (is_over() || (!is_hung_up && (events & EPOLLIN) == 0)) return;
  // What a dead connection still holds is read at once: epoll would tell of it without pause.
  const auto limit = is_hung_up ? buffer.size() : std::min(buffer.size(), allowance(now));
  if (limit > 0) read(now, buffer.first(limit), ages);
}

void Viewer::send_request() {
  const auto sent = ::send(fd_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (sent > 0) unsent_.erase(0, static_cast<std::size_t>(sent));
  if (sent < 0 && errno != EAGAIN) unsent_.clear();  // the reason comes with the next read
}

void Viewer::read(SteadyTime now, std::span<std::byte> buffer, AgeHistogram& ages) {
  const bool discards = options_.discard && state_ == ViewerState::Streaming;
  // MSG_TRUNC on TCP throws the bytes away in the kernel: a load of viewers costs no copies.
  const auto size = ::recv(fd_.get(), buffer.data(), buffer.size(), discards ? MSG_TRUNC : 0);
  if (size < 0) {
    if (errno != EAGAIN) finish(ViewerState::Reset);
    return;
  }
  if (size == 0) {
    parser_.end_of_input();
    const bool is_whole = discards || parser_.state() == HttpReplyParser::State::Done;
    return finish(is_whole ? ViewerState::Finished : ViewerState::Truncated);
  }
  const auto count = static_cast<std::size_t>(size);
  received_ += count;
  if (discards) return count_body(count, now);
  parser_.feed(buffer.first(count), [&](ByteSpan body) { on_body(body, now, ages); });
  if (state_ == ViewerState::Head && parser_.has_head()) state_ = ViewerState::Streaming;
  if (parser_.state() == HttpReplyParser::State::Broken) finish(ViewerState::Broken);
  if (parser_.state() == HttpReplyParser::State::Done) finish(ViewerState::Finished);
}

void Viewer::on_body(ByteSpan bytes, SteadyTime now, AgeHistogram& ages) {
  count_body(bytes.size(), now);
  if (parser_.status() == 200) {
    if (!options_.discard) checker_.feed(bytes, now, &ages);
  } else if (error_body_.size() < kMaxErrorBody) {
    error_body_.append(as_text(bytes));
  }
}

void Viewer::count_body(std::size_t size, SteadyTime now) {
  if (first_byte_at_) longest_pause_ = std::max(longest_pause_, now - last_byte_at_);
  if (!first_byte_at_) first_byte_at_ = now;
  last_byte_at_ = now;
  bytes_ += size;
}

void Viewer::finish(ViewerState how) {
  state_ = how;
  fd_.reset();
  // Cut off in the middle, a packet may be torn; a proper end must fall between two.
  if (how == ViewerState::Finished) checker_.end();
}

void Viewer::close(bool with_reset) {
  if (is_over()) return;
  if (with_reset && fd_) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  finish(ViewerState::Closed);
}

}  // namespace ace::test
