#include "tests/support/process/http_request.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>

#include "tests/support/process/wait_until.h"

namespace ace::test {
namespace {

using Deadline = std::chrono::steady_clock::time_point;

bool send_all(int fd, std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno != EAGAIN) return false;
    pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
    if (::poll(&writable, 1, poll_timeout(deadline)) <= 0) return false;
  }
  return true;
}

enum class ReadEnd { Wanted, Peer, Reset, Timeout };

/// Reads until `take` wants no more, the peer ends, or the deadline passes.
ReadEnd read_until(int fd, Deadline deadline, const std::function<bool(std::string_view)>& take) {
  std::array<char, 65536> buffer;
  while (true) {
    pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, poll_timeout(deadline)) <= 0) return ReadEnd::Timeout;
    const auto size = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (size < 0) return ReadEnd::Reset;
    if (size == 0) return ReadEnd::Peer;
    if (!take({buffer.data(), static_cast<std::size_t>(size)})) return ReadEnd::Wanted;
  }
}

std::string request_text(std::string_view method, std::string_view target,
                         const HeaderList& headers, std::uint16_t port) {
  std::string text;
  text.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  const auto has = [&](const char* name) {
    return std::ranges::any_of(
        headers, [&](const auto& header) { return ::strcasecmp(header.first.c_str(), name) == 0; });
  };
  if (!has("host")) text += "Host: 127.0.0.1:" + std::to_string(port) + "\r\n";
  if (!has("connection")) text += "Connection: close\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  return text + "\r\n";
}

}  // namespace

UniqueFd connect_loopback(std::uint16_t port) {
  UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fd.reset();
  }
  return fd;
}

HttpReply http_request(std::uint16_t port, std::string_view method, std::string_view target,
                       const HeaderList& headers, const HttpLimits& limits) {
  const auto deadline = std::chrono::steady_clock::now() + limits.timeout;
  HttpReply reply;
  const UniqueFd fd = connect_loopback(port);
  if (!fd) {
    reply.error = "connection refused";
    return reply;
  }
  // A server may answer and close before it has read all: what it said counts, not our EPIPE.
  const bool sent = send_all(fd.get(), request_text(method, target, headers, port), deadline);
  HttpReplyParser parser{method != "HEAD"};
  const auto end = read_until(fd.get(), deadline, [&](std::string_view bytes) {
    parser.feed(as_bytes(bytes), [&](ByteSpan body) { reply.body.append(as_text(body)); });
    const bool ended = parser.state() == HttpReplyParser::State::Done ||
                       parser.state() == HttpReplyParser::State::Broken;
    return !ended && reply.body.size() < limits.max_body;
  });
  if (end == ReadEnd::Peer) parser.end_of_input();
  reply.status = parser.status();
  reply.headers = parser.headers();
  reply.is_complete = parser.state() == HttpReplyParser::State::Done;
  if (!reply.is_complete) {
    // The kernel tells of a reset once: to the send, or to the read behind it.
    reply.error = end == ReadEnd::Timeout          ? "timeout"
                  : end == ReadEnd::Reset || !sent ? "connection reset"
                                                   : parser.why_broken();
  }
  return reply;
}

UniqueFd connect_unix(const std::string& path) {
  UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fd.reset();
  }
  return fd;
}

RawReply exchange(const UniqueFd& connection, std::string_view bytes,
                  std::chrono::milliseconds timeout, AfterSending after) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  RawReply reply;
  static_cast<void>(send_all(connection.get(), bytes, deadline));
  if (after == AfterSending::End) ::shutdown(connection.get(), SHUT_WR);
  const auto end = read_until(connection.get(), deadline, [&](std::string_view got) {
    reply.bytes.append(got);
    return true;
  });
  reply.is_closed = end != ReadEnd::Timeout;
  return reply;
}

std::string raw_exchange(std::uint16_t port, std::string_view bytes,
                         std::chrono::milliseconds timeout) {
  const auto connection = connect_loopback(port);
  if (!connection) return {};
  return exchange(connection, bytes, timeout).bytes;
}

}  // namespace ace::test
