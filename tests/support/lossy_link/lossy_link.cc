#include "tests/support/lossy_link/lossy_link.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "tests/support/process/http_request.h"

namespace ace::test {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kSegment = 1448;
/// A sender's window: more is not taken while so much is on its way.
constexpr std::size_t kMostSegments = 1024;
/// A retransmission: Linux' shortest timeout at least.
constexpr int kShortestRetry = 200;
constexpr int kLongestRetry = 400;

UniqueFd listen_anywhere(std::uint16_t& port) {
  UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd.get(), raw, size) != 0 || ::listen(fd.get(), 64) != 0 ||
      ::getsockname(fd.get(), raw, &size) != 0) {
    throw std::runtime_error{"lossy link: no free port"};
  }
  port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

LossyLink::LossyLink(std::string server_socket, Quality quality)
    : server_socket_{std::move(server_socket)},
      quality_{quality},
      stop_{::eventfd(0, EFD_CLOEXEC)} {
  listening_ = listen_anywhere(port_);
  thread_ = std::thread{[this] { run(); }};
}

LossyLink::~LossyLink() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

void LossyLink::run() {
  pollfd stop{.fd = stop_.get(), .events = POLLIN, .revents = 0};
  while (::poll(&stop, 1, 0) == 0) {
    wait();
    accept();
    for (auto& connection : connections_) {
      for (std::size_t i = 0; i < connection.ways.size(); ++i) {
        take(connection, i);
        deliver(connection, connection.ways[i]);
      }
    }
    connections_.remove_if([](const Connection& each) {
      return each.is_broken || std::ranges::all_of(each.ways, &Way::is_over);
    });
  }
}

void LossyLink::accept() {
  UniqueFd client{::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  if (!client) return;
  auto server = connect_unix(server_socket_);
  if (!server) return;  // refused there, closed here
  auto& added = connections_.emplace_back();
  added.ways[0].from = added.ways[1].to = client.get();
  added.ways[0].to = added.ways[1].from = server.get();
  added.client = std::move(client);
  added.server = std::move(server);
}

void LossyLink::wait() {
  std::vector<pollfd> waiting{{.fd = stop_.get(), .events = POLLIN, .revents = 0},
                              {.fd = listening_.get(), .events = POLLIN, .revents = 0}};
  auto timeout = milliseconds{1000};
  const auto now = clock_.now();
  for (const auto& connection : connections_) {
    for (const auto& way : connection.ways) {
      if (!way.has_ended && way.on_line.size() < kMostSegments) {
        waiting.push_back({.fd = way.from, .events = POLLIN, .revents = 0});
      }
      if (way.on_line.empty()) continue;
      // A receiver that takes nothing is asked again soon.
      const auto left = std::chrono::ceil<milliseconds>(way.on_line.front().due - now);
      timeout = std::min(timeout, std::max(left, milliseconds{1}));
    }
  }
  ::poll(waiting.data(), waiting.size(), static_cast<int>(timeout.count()));
}

void LossyLink::take(Connection& connection, std::size_t direction) {
  auto& way = connection.ways[direction];
  while (!way.has_ended && way.on_line.size() < kMostSegments) {
    std::vector<std::byte> bytes(kSegment);
    const ssize_t size = ::recv(way.from, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size < 0) connection.is_broken = true;
    way.has_ended = size <= 0;
    bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    const auto due = due_of(way, direction, bytes.size());
    way.on_line.push_back({.due = due, .bytes = std::move(bytes)});
  }
}

SteadyTime LossyLink::due_of(Way& way, std::size_t direction, std::size_t size) {
  const std::chrono::duration<double> length{static_cast<double>(size * 8) /
                                             quality_.bits_per_second};
  auto& free = line_free_[direction];
  free =
      std::max(free, clock_.now()) + std::chrono::duration_cast<std::chrono::nanoseconds>(length);
  auto due = free + quality_.delay;
  if (std::bernoulli_distribution{quality_.loss}(random_)) {
    due += milliseconds{std::uniform_int_distribution{kShortestRetry, kLongestRetry}(random_)};
    ++lost_;
  }
  way.last_due = std::max(way.last_due, due);
  return way.last_due;
}

void LossyLink::deliver(Connection& connection, Way& way) {
  while (!way.on_line.empty() && way.on_line.front().due <= clock_.now()) {
    auto& segment = way.on_line.front();
    if (segment.bytes.empty()) {
      ::shutdown(way.to, SHUT_WR);
      way.is_over = true;
    }
    while (segment.written < segment.bytes.size()) {
      const ssize_t size =
          ::send(way.to, segment.bytes.data() + segment.written,
                 segment.bytes.size() - segment.written, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (size < 0 && errno == EAGAIN) return;
      if (size < 0) {
        connection.is_broken = true;
        return;
      }
      segment.written += static_cast<std::size_t>(size);
    }
    way.on_line.pop_front();
  }
}

}  // namespace ace::test
