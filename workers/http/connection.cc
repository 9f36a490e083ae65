#include "workers/http/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

#include "proto/http/response.h"
#include "shared/base/random_id.h"
#include "shared/base/text.h"
#include "shared/log/access_log.h"
#include "workers/http/client_address.h"

namespace ace::http {
namespace {

constexpr std::size_t kReadSize = 16U << 10U;

}  // namespace

Connection::Connection(const ConnectionServices& services, UniqueFd socket, std::string peer,
                       Arrival arrival, Listener& listener)
    : services_{services},
      socket_{std::move(socket)},
      watcher_{std::make_unique<loop::FdWatcher>(
          services.loop, socket_.get(), [this](loop::FdEvents events) { on_ready(events); })},
      timer_{services.timers.make()},
      peer_{std::move(peer)},
      arrival_{std::move(arrival)},
      listener_{listener},
      held_{services.strangers, peer_, services.trusted_proxies} {}

Connection::~Connection() {
  if (is_waiting_) services_.turns.leave(*this);
}

void Connection::start(std::string preread) {
  timer_->once(services_.limits.header, [this] { on_too_slow(); });
  watcher_->watch(true, false);
  unread_ = std::move(preread);
  // At once: a worker that begins to stop would drop it as one that has asked for nothing.
  if (!unread_.empty()) on_turn();
}

void Connection::respond(std::string answer) { send(std::move(answer), false); }

void Connection::respond_and_close(std::string answer) { send(std::move(answer), true); }

Connection::Taken Connection::take_socket() {
  Taken taken{.socket = std::move(socket_),
              .peer = peer_,
              .raw = std::string{parser_.raw()} + std::exchange(unread_, {})};
  watcher_.reset();
  done();
  return taken;
}

void Connection::on_ready(loop::FdEvents events) {
  switch (phase_) {
    case Phase::Reading:
      if (events.readable) wait_for_turn(TurnQueue::Kind::Fresh);
      return;
    case Phase::Writing:
      if (events.writable) write_out();
      return;
    case Phase::Lingering:
      if (events.readable) drop_input();
      return;
    case Phase::Answering:
    case Phase::Done:
      return;
  }
}

void Connection::wait_for_turn(TurnQueue::Kind kind) {
  if (!std::exchange(is_waiting_, true)) services_.turns.wait(*this, kind);
}

void Connection::on_turn() {
  is_waiting_ = false;
  if (phase_ != Phase::Reading) return;
  if (unread_.empty() && !read_more()) return;
  is_in_turn_ = true;
  parse_unread();
  is_in_turn_ = false;
  if (phase_ == Phase::Reading && !unread_.empty()) wait_for_turn(TurnQueue::Kind::More);
  count_held();
}

bool Connection::read_more() {
  std::array<char, kReadSize> buffer{};
  const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (size <= 0) {
    done();
    return false;
  }
  unread_.assign(buffer.data(), static_cast<std::size_t>(size));
  return true;
}

void Connection::parse_unread() {
  // A loop, not a recursion through respond(): a client may pipeline hundreds of requests.
  for (std::size_t i = 0; i < kRequestsPerTurn && phase_ == Phase::Reading; ++i) {
    if (unread_.empty()) return;
    const auto bytes = std::exchange(unread_, {});
    parse(bytes);
  }
}

void Connection::parse(std::string_view bytes) {
  const bool was_idle = parser_.is_idle();
  const auto fed = parser_.feed(as_bytes(bytes));
  switch (fed.outcome) {
    case proto::http::Parse::NeedMore:
      on_more_needed(was_idle);
      return;
    case proto::http::Parse::Complete:
      unread_.assign(bytes.substr(fed.consumed));
      on_request();
      return;
    case proto::http::Parse::Refused:
      refuse(parser_.refusal().status, parser_.refusal().text);
      return;
  }
}

void Connection::on_more_needed(bool was_idle) {
  // Between requests the time for a head runs from its first byte, where idle time ends. A new
  // connection has had that time since it came.
  if (was_idle && !parser_.is_idle() && has_answered_) {
    timer_->once(services_.limits.header, [this] { on_too_slow(); });
  }
  if (parser_.awaits_body() && !has_begun_) on_head();
}

void Connection::begin_request(const proto::http::Request& request) {
  if (std::exchange(has_begun_, true)) return;
  auto id = take_request_id();
  asked_ = {.trace = trace_of(request),
            .client = client_address(request, peer_, services_.trusted_proxies),
            .agent = proto::http::agent_of(request),
            .when = services_.clock.wall_now()};
  const auto shown = proto::http::shown_request_id(request);
  asked_.trace.id = shown ? std::string{*shown} : std::move(id);
}

void Connection::on_head() {
  auto head = parser_.request();
  begin_request(head);
  head.id = asked_.trace.id;
  head.keep_alive = false;
  if (!listener_.on_head(*this, head)) return;
  if (!head.expects_continue) return;
  // A full socket buffer here is a client that does not read: it may go on unasked.
  (void)::send(socket_.get(), proto::http::kContinue.data(), proto::http::kContinue.size(),
               MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Connection::on_request() {
  phase_ = Phase::Answering;
  timer_->stop();
  auto request = parser_.take_request();
  begin_request(request);
  request.id = asked_.trace.id;
  listener_.on_request(*this, std::move(request));
  // What comes before the answer waits in the socket. Most answers are out by now, and starting to
  // watch again costs more than this whole check.
  if (phase_ == Phase::Answering) watcher_->watch(false, false);
}

std::string Connection::take_request_id() {
  auto id = std::exchange(arrival_.request_id, {});
  return id.empty() ? random_hex(8) : id;
}

void Connection::log_access(std::string_view why) const {
  if (!log::is_access_logged()) return;
  constexpr std::string_view kBefore = "HTTP/1.1 ";
  int status = 0;
  std::from_chars(out_.data() + kBefore.size(), out_.data() + out_.size(), status);
  constexpr std::string_view kHeadEnd = "\r\n\r\n";
  const auto head_size = out_.find(kHeadEnd) + kHeadEnd.size();
  const auto took = std::max(services_.clock.wall_now() - asked_.when, std::chrono::nanoseconds{0});
  log::access({.address = net::without_port(asked_.client),
               .user = asked_.trace.user,
               .request = asked_.trace.line,
               .referer = asked_.trace.referer,
               .agent = asked_.agent,
               .request_id = asked_.trace.id,
               .why = why,
               .status = status,
               .bytes = out_sent_ - std::min(out_sent_, head_size),
               .took = std::chrono::duration_cast<std::chrono::milliseconds>(took),
               .began = asked_.when});
}

void Connection::on_too_slow() {
  if (parser_.is_idle()) {
    done();
    return;
  }
  refuse(408, "the request did not arrive in time");
}

void Connection::refuse(int status, std::string_view why) {
  const auto now = services_.clock.wall_now();
  if (!has_begun_) {
    asked_ = {.trace = {}, .client = peer_, .agent = {}, .when = now};
    asked_.trace.id = take_request_id();
  }
  send(proto::http::refusal_response(status, why, services_.worker_id, asked_.trace.id, now), true);
}

void Connection::send(std::string answer, bool close_after) {
  out_ = std::move(answer);
  out_sent_ = 0;
  close_after_write_ = close_after;
  if (close_after) {  // nothing more is read
    parser_.next();
    free_text(unread_);
  }
  phase_ = Phase::Writing;
  // A client that does not take its answer is dropped as one that does not finish its request.
  timer_->once(services_.limits.idle, [this] { done(); });
  write_out();
}

void Connection::write_out() {
  while (out_sent_ < out_.size()) {
    const ssize_t sent = ::send(socket_.get(), out_.data() + out_sent_, out_.size() - out_sent_,
                                MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) {
      watcher_->watch(false, true);
      count_held();
      return;
    }
    if (sent <= 0) {
      done();
      return;
    }
    out_sent_ += static_cast<std::size_t>(sent);
  }
  on_written();
}

void Connection::on_written() {
  log_access("answered");
  free_text(out_);
  if (close_after_write_) {
    linger();
    return;
  }
  parser_.next();
  has_begun_ = false;
  has_answered_ = true;
  phase_ = Phase::Reading;
  timer_->once(services_.limits.idle, [this] { on_too_slow(); });
  watcher_->watch(true, false);
  if (is_in_turn_) return;  // which goes on by itself
  if (!unread_.empty()) wait_for_turn(TurnQueue::Kind::More);
  count_held();
}

std::size_t Connection::held() const {
  const bool is_idle = phase_ == Phase::Reading && parser_.is_idle() && unread_.empty();
  if (is_idle || phase_ == Phase::Lingering || phase_ == Phase::Done) return 0;
  return parser_.held_bytes() + unread_.capacity() + out_.capacity();
}

void Connection::count_held() {
  if (held_.hold(held())) return;
  if (phase_ == Phase::Reading) {
    refuse(503, "too much is held for requests that are not whole");
  } else if (phase_ == Phase::Writing) {
    done();  // it does not read its answer
  }
}

void Connection::linger() {
  // A close with unread input would be a reset, which can cost the client our answer.
  phase_ = Phase::Lingering;
  count_held();
  ::shutdown(socket_.get(), SHUT_WR);
  timer_->once(services_.limits.linger, [this] { done(); });
  watcher_->watch(true, false);
}

void Connection::drop_input() {
  std::array<char, kReadSize> ignored{};
  const ssize_t size = ::recv(socket_.get(), ignored.data(), ignored.size(), MSG_DONTWAIT);
  if (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR))) return;
  done();
}

void Connection::done() {
  const auto before = std::exchange(phase_, Phase::Done);
  if (before == Phase::Done) return;
  if (before == Phase::Writing) log_access("not taken");
  timer_->stop();
  if (watcher_) watcher_->watch(false, false);
  listener_.on_connection_done(*this);
}

}  // namespace ace::http
