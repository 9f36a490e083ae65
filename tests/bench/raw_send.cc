#include "tests/bench/raw_send.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/scope_exit.h"
#include "tests/support/process/http_request.h"

namespace ace::bench {
namespace {

constexpr std::size_t kPiece = 100_KiB;

/// Seen by both processes; the sender writes, the measuring one reads.
struct Progress {
  std::atomic<std::uint64_t> bytes{};
  std::atomic<std::uint64_t> late_rounds{};
};

struct Listening {
  UniqueFd fd;
  std::uint16_t port{};
};

Listening listen_on_loopback() {
  Listening result{UniqueFd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  if (::bind(result.fd.get(), plain, size) != 0 || ::listen(result.fd.get(), SOMAXCONN) != 0 ||
      ::getsockname(result.fd.get(), plain, &size) != 0) {
    throw std::runtime_error{"cannot listen on loopback"};
  }
  result.port = ntohs(address.sin_port);
  return result;
}

[[noreturn]] void receive_all(std::uint16_t port, std::size_t clients) {
  const UniqueFd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  std::vector<UniqueFd> sockets;
  for (std::size_t i = 0; i < clients; ++i) {
    sockets.push_back(test::connect_loopback(port));
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.fd = sockets.back().get();
    ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, sockets.back().get(), &wanted);
  }
  std::array<epoll_event, 256> events;
  std::vector<std::byte> buffer(256_KiB);
  while (true) {
    const int ready = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (::recv(fd, buffer.data(), buffer.size(), MSG_TRUNC | MSG_DONTWAIT) == 0) ::_exit(0);
    }
  }
}

void sleep_until(std::chrono::nanoseconds time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const timespec at{.tv_sec = whole.count(), .tv_nsec = (time - whole).count()};
  ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

std::chrono::nanoseconds monotonic_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

[[noreturn]] void send_paced(int listening, const Load& load, Progress& progress) {
  std::vector<UniqueFd> sockets;
  const int on = 1;
  for (std::size_t i = 0; i < load.clients; ++i) {
    sockets.emplace_back(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
    ::setsockopt(sockets.back().get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  const std::vector<std::byte> piece(kPiece, std::byte{0x47});
  const std::chrono::nanoseconds period{kPiece * 8 * 1'000'000'000 / load.bitrate};
  for (auto due = monotonic_now();; due += period) {
    if (monotonic_now() > due + period) ++progress.late_rounds;
    sleep_until(due);
    for (const auto& socket : sockets) {
      const auto sent = ::send(socket.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
      if (sent <= 0) ::_exit(1);
      progress.bytes += static_cast<std::uint64_t>(sent);
    }
  }
}

template <class Work>
pid_t fork_to(const Work& work) {
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error{"fork failed"};
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    work();
  }
  return pid;
}

void end(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

}  // namespace

Cost measure_raw_send(const Load& load) {
  void* shared =
      ::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw std::runtime_error{"mmap failed"};
  const ScopeExit unmap{[&] { ::munmap(shared, sizeof(Progress)); }};
  auto& progress = *::new (shared) Progress{};
  const auto listening = listen_on_loopback();
  const pid_t sender = fork_to([&] { send_paced(listening.fd.get(), load, progress); });
  const ScopeExit end_sender{[sender] { end(sender); }};
  const pid_t receiver = fork_to([&] { receive_all(listening.port, load.clients); });
  const ScopeExit end_receiver{[receiver] { end(receiver); }};
  sleep_until(monotonic_now() + load.warm_up);
  const Cost before{cpu_time(sender), progress.bytes};
  const auto late_before = progress.late_rounds.load();
  sleep_until(monotonic_now() + load.measured);
  const Cost after{cpu_time(sender), progress.bytes};
  if (after.bytes == before.bytes) throw std::runtime_error{"the raw sender sends nothing"};
  if (progress.late_rounds > late_before + 3) {
    throw std::runtime_error{"the raw sender fell behind its pace: fewer clients, please"};
  }
  return {after.cpu - before.cpu, after.bytes - before.bytes};
}

}  // namespace ace::bench
