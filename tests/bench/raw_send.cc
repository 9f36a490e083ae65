#include "tests/bench/raw_send.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <new>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/scope_exit.h"
#include "tests/support/viewers/viewers.h"

namespace ace::bench {
namespace {

constexpr std::size_t kPiece = 100_KiB;
constexpr std::chrono::seconds kStartTimeout{20};

constexpr std::string_view kHead =
    "HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nConnection: close\r\n\r\n";

/// Seen by all processes; the senders write, the measuring one reads.
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

[[noreturn]] void send_paced(int listening, std::size_t clients, std::uint64_t bitrate,
                             Progress& progress) {
  std::vector<UniqueFd> sockets;
  const int on = 1;
  for (std::size_t i = 0; i < clients; ++i) {
    sockets.emplace_back(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
    ::setsockopt(sockets.back().get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  for (const auto& socket : sockets) {
    if (::send(socket.get(), kHead.data(), kHead.size(), MSG_NOSIGNAL) <= 0) ::_exit(1);
  }
  const std::vector<std::byte> piece(kPiece, std::byte{0x47});
  const std::chrono::nanoseconds period{kPiece * 8 * 1'000'000'000 / bitrate};
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

/// Processes that share the clients as evenly as they can.
class Senders {
 public:
  Senders(int listening, const Load& load, std::size_t processes, Progress& progress) {
    for (std::size_t i = 0; i < processes; ++i) {
      const auto clients = load.clients * (i + 1) / processes - load.clients * i / processes;
      pids_.push_back(
          fork_to([=, &progress] { send_paced(listening, clients, load.bitrate, progress); }));
    }
  }
  ~Senders() {
    for (const pid_t pid : pids_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }
  Senders(const Senders&) = delete;
  Senders& operator=(const Senders&) = delete;

  [[nodiscard]] CpuSeconds cpu() const {
    CpuSeconds total{};
    for (const pid_t pid : pids_) total += cpu_time(pid);
    return total;
  }

 private:
  std::vector<pid_t> pids_;
};

}  // namespace

Cost measure_raw_send(const Load& load, std::size_t processes) {
  void* shared =
      ::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw std::runtime_error{"mmap failed"};
  const ScopeExit unmap{[&] { ::munmap(shared, sizeof(Progress)); }};
  auto& progress = *::new (shared) Progress{};
  const auto listening = listen_on_loopback();
  const Senders senders{listening.fd.get(), load, processes, progress};
  // The same viewers as the proxy's: who reads, and when, decides how warm the kernel's pages are.
  test::Viewers viewers{listening.port};
  viewers.open(load.clients, "/", {.discard = true});
  const auto all_served = [&] { return viewers.count_with_bytes(1) == load.clients; };
  if (!viewers.run_until(all_served, kStartTimeout)) {
    throw std::runtime_error{"the raw sender does not serve everybody"};
  }
  viewers.run_for(load.warm_up);
  const Cost before{senders.cpu(), progress.bytes};
  const auto late_before = progress.late_rounds.load();
  viewers.run_for(load.measured);
  const Cost after{senders.cpu(), progress.bytes};
  if (after.bytes == before.bytes) throw std::runtime_error{"the raw sender sends nothing"};
  if (progress.late_rounds > late_before + 3) {
    throw std::runtime_error{"the raw sender fell behind its pace: fewer clients, please"};
  }
  return {after.cpu - before.cpu, after.bytes - before.bytes};
}

}  // namespace ace::bench
