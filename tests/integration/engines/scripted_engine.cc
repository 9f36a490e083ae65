#include "tests/integration/engines/scripted_engine.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "shared/base/check.h"

namespace ace::test {
namespace {

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

/// Binds to a free port of loopback; says which.
std::uint16_t bind_to_loopback(int fd) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  ACE_CHECK(::bind(fd, generic, size) == 0 && ::getsockname(fd, generic, &size) == 0,
            "loopback has a free port");
  return ntohs(address.sin_port);
}

std::uint16_t listen_on_loopback(int fd, int backlog) {
  const auto port = bind_to_loopback(fd);
  ACE_CHECK(::listen(fd, backlog) == 0, "loopback can be listened on");
  return port;
}

}  // namespace

ScriptedEngine::Connection::Connection(loop::Loop& loop, UniqueFd fd,
                                       std::function<void(Connection&)> on_request)
    : fd_{std::move(fd)}, on_request_{std::move(on_request)} {
  watcher_ =
      std::make_unique<loop::FdWatcher>(loop, fd_.get(), [this](loop::FdEvents) { on_ready(); });
  watcher_->watch(true, false);
}

void ScriptedEngine::Connection::on_ready() {
  std::array<char, 4096> buffer{};
  const auto got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (got == 0 || (got < 0 && errno != EAGAIN)) return end();
  if (got > 0) received_.append(buffer.data(), static_cast<std::size_t>(got));
  if (target_.empty() && received_.find("\r\n\r\n") != std::string::npos) {
    const auto start = received_.find(' ') + 1;
    target_ = received_.substr(start, received_.find(' ', start) - start);
    on_request_(*this);
  }
  if (fd_) flush();
}

void ScriptedEngine::Connection::send(std::string_view bytes) {
  unsent_.append(bytes);
  flush();
}

void ScriptedEngine::Connection::answer(int status, std::string_view body,
                                        std::string_view headers) {
  send(fmt::format("HTTP/1.1 {} Scripted\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(),
                   headers, body));
}

void ScriptedEngine::Connection::close() {
  closing_ = true;
  flush();
}

void ScriptedEngine::Connection::reset() {
  const linger hard{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  end();
}

void ScriptedEngine::Connection::flush() {
  while (fd_ && unsent() > 0) {
    const auto sent = ::send(fd_.get(), unsent_.data() + sent_, unsent(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) break;
    if (sent < 0) return end();
    sent_ += static_cast<std::size_t>(sent);
  }
  if (!fd_) return;
  if (unsent() == 0 && closing_) return end();
  watcher_->watch(true, unsent() > 0);
}

void ScriptedEngine::Connection::end() {
  watcher_.reset();
  fd_.reset();
}

ScriptedEngine::ScriptedEngine(loop::Loop& loop)
    : loop_{loop}, listener_{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)} {
  port_ = listen_on_loopback(listener_.get(), 16);
  watcher_ = std::make_unique<loop::FdWatcher>(loop, listener_.get(),
                                               [this](loop::FdEvents) { accept(); });
  watcher_->watch(true, false);
}

void ScriptedEngine::accept() {
  UniqueFd fd{::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (!fd) return;
  // Left to itself the kernel takes megabytes off a test that wants to see what is held back.
  const int send_buffer = 256 * 1024;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
  connections_.push_back(std::make_unique<Connection>(
      loop_, std::move(fd), [this](Connection& connection) { run_script(connection); }));
}

void ScriptedEngine::run_script(Connection& connection) {
  const Script* script{};
  for (const auto& [prefix, candidate] : scripts_) {  // in order: a longer match comes later
    if (starts_with(connection.target(), prefix)) script = &candidate;
  }
  if (script != nullptr) (*script)(connection);
}

std::string ScriptedEngine::url(std::string_view target) const {
  return fmt::format("http://127.0.0.1:{}{}", port_, target);
}

std::size_t ScriptedEngine::asked(std::string_view prefix) const {
  std::size_t count{};
  for (const auto& connection : connections_) {
    if (starts_with(connection->target(), prefix) && !connection->target().empty()) ++count;
  }
  return count;
}

ScriptedEngine::Connection* ScriptedEngine::connection(std::string_view prefix) const {
  for (auto at = connections_.rbegin(); at != connections_.rend(); ++at) {
    if (!(*at)->target().empty() && starts_with((*at)->target(), prefix)) return at->get();
  }
  return nullptr;
}

ClosedPort::ClosedPort()
    : bound_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)},
      port_{bind_to_loopback(bound_.get())} {}

SilentPort::SilentPort()
    : listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)},
      port_{listen_on_loopback(listener_.get(), 0)} {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port_);
  for (int i = 0; i < 4; ++i) {  // a queue of length 0 holds one; the rest keep trying
    queue_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    static_cast<void>(::connect(queue_.back().get(), reinterpret_cast<const sockaddr*>(&address),
                                sizeof address));
  }
}

bool run_until(loop::Loop& loop, const std::function<bool()>& done) {
  // A tick, since a turn whose timers made it true still waits for one more event.
  constexpr int kMaxTicks = 2000;
  int ticks{};
  loop::UvTimerFactory timers{loop};
  const auto tick = timers.make();
  tick->every(std::chrono::milliseconds{10}, [&] { ++ticks; });
  while (!done() && ticks < kMaxTicks) loop.run_once(true);
  return done();
}

void run_for(loop::Loop& loop, std::chrono::milliseconds time) {
  bool is_over{};
  loop::UvTimerFactory timers{loop};
  const auto limit = timers.make();
  limit->once(time, [&] { is_over = true; });
  while (!is_over) loop.run_once(true);
}

}  // namespace ace::test
