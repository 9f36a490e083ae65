#include "tests/support/process/canned_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <utility>

namespace ace::test {
namespace {

/// Whoever connects and says nothing holds the thread so long.
constexpr int kRequestWithinMs = 1000;

}  // namespace

CannedServer::CannedServer()
    : listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}, end_{::eventfd(0, EFD_CLOEXEC)} {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), raw, size) != 0 || ::listen(listener_.get(), 64) != 0 ||
      ::getsockname(listener_.get(), raw, &size) != 0) {
    throw std::runtime_error{"no port for a canned server"};
  }
  port_ = ntohs(address.sin_port);
  answer(200, "");
  thread_ = std::thread{[this] { serve(); }};
}

CannedServer::~CannedServer() {
  const std::uint64_t one = 1;
  if (::write(end_.get(), &one, sizeof one) == sizeof one) thread_.join();
}

void CannedServer::answer(int status, std::string_view body, std::string_view headers) {
  const std::lock_guard lock{mutex_};
  answer_ = fmt::format("HTTP/1.1 {} Canned\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}",
                        status, body.size(), headers, body);
}

void CannedServer::say_nothing() {
  const std::lock_guard lock{mutex_};
  answer_.clear();
}

void CannedServer::serve() {
  for (;;) {
    std::array<pollfd, 2> waiting{{{listener_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0) continue;
    if (waiting[1].revents != 0) return;
    take(UniqueFd{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)});
  }
}

void CannedServer::take(UniqueFd connection) {
  std::string request;
  std::array<char, 4096> buffer{};
  while (request.find("\r\n\r\n") == std::string::npos) {
    pollfd waiting{connection.get(), POLLIN, 0};
    if (::poll(&waiting, 1, kRequestWithinMs) <= 0) return;
    const auto got = ::recv(connection.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) return;
    request.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ++asked_;
  std::string answer;
  {
    const std::lock_guard lock{mutex_};
    answer = answer_;
  }
  if (answer.empty()) return held_.push_back(std::move(connection));
  std::string_view rest{answer};
  while (!rest.empty()) {
    const auto sent = ::send(connection.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // a peer that has read enough
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace ace::test
