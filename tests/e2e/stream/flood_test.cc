// Clients that ask for more than anybody can answer take no worker's loop away from the others, and
// no more memory than strangers may have.

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <unordered_map>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/metrics/metrics_page.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kPipelining = 300;
constexpr std::size_t kViewers = 20;

constexpr std::string_view kPost =
    "POST /engines HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    "Content-Length: 65001\r\n\r\n";

/// In a thread of its own, until it is destroyed: connections that are always full of requests.
class Flood {
 public:
  Flood(std::uint16_t port, const std::string& request) : port_{port} {
    while (pipeline_.size() + request.size() <= 16'384) pipeline_ += request;
    thread_ = std::thread{[this] { run(); }};
  }
  ~Flood() { end(); }
  Flood(const Flood&) = delete;
  Flood& operator=(const Flood&) = delete;

  void end() {
    is_over_ = true;
    if (thread_.joinable()) thread_.join();
  }
  // After end().
  [[nodiscard]] std::uint64_t received() const { return received_; }
  [[nodiscard]] std::size_t lost() const { return lost_; }

 private:
  void run() {
    const ace::UniqueFd epoll{::epoll_create1(EPOLL_CLOEXEC)};
    std::vector<ace::UniqueFd> connections;
    for (std::size_t i = 0; i < kPipelining; ++i) {
      connections.push_back(connect_loopback(port_));
      epoll_event event{};
      event.events = EPOLLIN | EPOLLOUT;
      event.data.fd = connections.back().get();
      ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, connections.back().get(), &event);
    }
    std::array<epoll_event, 64> events{};
    while (!is_over_) {
      const int count = ::epoll_wait(epoll.get(), events.data(), events.size(), 50);
      for (int i = 0; i < count; ++i) serve(epoll, events.at(static_cast<std::size_t>(i)));
    }
  }

  void serve(const ace::UniqueFd& epoll, const epoll_event& event) {
    std::array<char, 65'536> answers;
    if ((event.events & EPOLLIN) != 0) {
      const auto size = ::recv(event.data.fd, answers.data(), answers.size(), MSG_DONTWAIT);
      if (size > 0) received_ += static_cast<std::uint64_t>(size);
      if (size == 0 || (size < 0 && errno != EAGAIN)) {
        ++lost_;
        ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, event.data.fd, nullptr);
        return;
      }
    }
    if ((event.events & EPOLLOUT) != 0) {
      auto& at = sent_[event.data.fd];
      const auto rest = std::string_view{pipeline_}.substr(at);
      const auto size =
          ::send(event.data.fd, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (size > 0) at = (at + static_cast<std::size_t>(size)) % pipeline_.size();
    }
  }

  std::uint16_t port_;
  std::string pipeline_;
  std::unordered_map<int, std::size_t> sent_;  ///< of the pipeline, by descriptor
  std::atomic<bool> is_over_{};
  std::uint64_t received_{};
  std::size_t lost_{};
  std::thread thread_;
};

/// In a thread of its own: how long `/healthz` takes on new connections, one after the other.
class Probe {
 public:
  explicit Probe(std::uint16_t port) : thread_{[this, port] { run(port); }} {}
  ~Probe() { end(); }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  void end() {
    is_over_ = true;
    if (thread_.joinable()) thread_.join();
  }
  // After end().
  [[nodiscard]] std::size_t failed() const { return failed_; }
  [[nodiscard]] milliseconds median() {
    if (times_.empty()) return milliseconds::max();
    std::ranges::sort(times_);
    return times_[times_.size() / 2];
  }

 private:
  void run(std::uint16_t port) {
    while (!is_over_) {
      const auto begin = std::chrono::steady_clock::now();
      if (http_request(port, "GET", "/healthz", {}, {.timeout = 20s}).status != 200) ++failed_;
      times_.push_back(
          std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin));
    }
  }

  std::atomic<bool> is_over_{};
  std::vector<milliseconds> times_;
  std::size_t failed_{};
  std::thread thread_;
};

}  // namespace

TEST_CASE("clients that pipeline without end cost viewers and probes little", "[flood]") {
  const Service service{{.workers = 2, .bitrate = 2'000'000}};
  Viewers viewers{service.port()};
  viewers.open(kViewers, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 20s));
  viewers.run_for(1s);
  for (const std::string target : {"HEAD /metrics", "GET /streams"}) {
    INFO(target);
    Flood flood{service.port(), target + " HTTP/1.1\r\nHost: a\r\n\r\n"};
    Probe probe{service.port()};
    viewers.run_for(5s);
    probe.end();
    flood.end();
    CHECK(flood.received() > 0);
    CHECK(flood.lost() == 0);
    CHECK(probe.failed() == 0);
    // Some tens where nobody else wants the processor; it was 10 s.
    CHECK(probe.median() < 1s);
    WARN(target << ": " << flood.received() / 5 << " bytes/s, /healthz " << probe.median().count()
                << " ms, longest pause "
                << std::chrono::duration_cast<milliseconds>(viewers.longest_pause()).count()
                << " ms");
  }
  CHECK(viewers.longest_pause() < 3s);
  CHECK(viewers.faults().empty());
  CHECK(viewers.count(ViewerState::Streaming) == kViewers);
  CHECK(service.worker_restarts() == 0);
}

TEST_CASE("half-sent bodies hold no more than strangers may have", "[flood]") {
  constexpr std::size_t kSenders = 600;
  constexpr double kMayHave = 8U << 20U;
  const Service service{{.workers = 2, .bitrate = 1'000'000}};
  const auto metrics = [&] { return MetricsPage{service.get("/metrics").body}; };
  const auto half = std::string{kPost} + std::string(65'000, ' ');
  std::vector<ace::UniqueFd> senders;
  std::size_t refused = 0;
  for (std::size_t i = 0; i < kSenders; ++i) {
    senders.push_back(connect_loopback(service.port()));
    (void)::send(senders.back().get(), half.data(), half.size(), MSG_NOSIGNAL);
  }
  CHECK(
      wait_until([&] { return metrics().value("ace_proxy_strangers_refused_total") > 400; }, 20s));
  for (const auto& sender : senders) {
    std::array<char, 16> answer{};
    if (::recv(sender.get(), answer.data(), answer.size(), MSG_DONTWAIT) > 0) ++refused;
  }
  CHECK(refused > 400);
  CHECK(metrics().sum("ace_proxy_stranger_bytes") <= kMayHave);
  // Who asks for little is served meanwhile, and a stream.
  CHECK(service.get("/healthz").status == 200);
  Viewers viewers{service.port()};
  viewers.open(2, stream_target(stream_id(1)));
  CHECK(all_served(viewers, 20s));
  senders.clear();
  CHECK(wait_until([&] { return metrics().sum("ace_proxy_stranger_bytes") == 0; }, 20s));
  CHECK(service.worker_restarts() == 0);
}

TEST_CASE("without the key no body is read", "[flood]") {
  const Service service{{.workers = 1, .environment = {{"API_KEY", "sesame-open-sesame"}}}};
  const auto connection = connect_loopback(service.port());
  const auto reply = exchange(connection, kPost, 10s);
  CHECK_THAT(reply.bytes, Catch::StartsWith("HTTP/1.1 401 "));
  CHECK(reply.is_closed);
}
