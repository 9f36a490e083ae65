// Viewers notice nothing of a crowd that costs the proxy connections, requests and starts.

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/long_run.h"
#include "tests/support/process/resident_memory.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kIdle = 2'000;
constexpr std::size_t kSlow = 500;
constexpr std::size_t kViewers = 50;
constexpr auto kTick = 50ms;
constexpr int kHeadsPerTick = 10;  ///< 200 a second
constexpr int kZapsPerTick = 5;    ///< 100 a second
constexpr unsigned kChannels = 50;
/// What an idle connection may cost, and what a worker may take with all of it.
constexpr std::size_t kIdleMemory = 10U << 10U;
constexpr std::size_t kWorkerMemory = 96U << 20U;

ace::UniqueFd ask(std::uint16_t port, std::string_view bytes) {
  auto connection = connect_loopback(port);
  if (connection) ::send(connection.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return connection;
}

/// What has come on a connection; nothing: still waiting. An empty text is its end.
std::optional<std::string> heard(const ace::UniqueFd& connection) {
  std::array<char, 4096> buffer{};
  const auto size = ::recv(connection.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  return std::string{buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

void close_with_reset(const ace::UniqueFd& connection) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(connection.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/// In a thread of its own, until it is destroyed: dripped heads, HEADs, and zaps that leave at
/// once.
class Crowd {
 public:
  explicit Crowd(std::uint16_t port) : port_{port}, thread_{[this] { run(); }} {}
  ~Crowd() { disperse(); }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  void disperse() {
    is_over_ = true;
    if (thread_.joinable()) thread_.join();
  }
  // After disperse().
  [[nodiscard]] std::size_t zaps() const { return zapped_; }
  [[nodiscard]] std::size_t heads() const { return heads_sent_; }
  [[nodiscard]] std::size_t heads_answered() const { return heads_answered_; }
  [[nodiscard]] std::size_t slow_ones_ended() const { return slow_ended_; }
  [[nodiscard]] const std::string& unexpected() const { return unexpected_; }

 private:
  void run() {
    while (!is_over_) {
      drip();
      zap();
      send_heads();
      take_answers();
      std::this_thread::sleep_for(kTick);
    }
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!heads_.empty() && std::chrono::steady_clock::now() < end) {
      take_answers();
      std::this_thread::sleep_for(kTick);
    }
  }

  void drip() {
    // A twentieth of them in each tick: a byte a second from each.
    for (std::size_t i = 0; i < kSlow / 20; ++i) {
      auto& slow = slow_[next_slow_++ % kSlow];
      if (slow) {
        const auto said = heard(slow);
        if (!said) {
          ::send(slow.get(), "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
          continue;
        }
        ++slow_ended_;
        if (!said->empty() && !said->starts_with("HTTP/1.1 408 ")) unexpected_ = *said;
      }
      slow = ask(port_, "GET /ace/getstream?id=1 HTTP/1.1\r\nHost: proxy\r\nX-Slow: ");
    }
  }

  void zap() {
    for (std::size_t i = 0; i < zaps_.size(); i += 2) close_with_reset(zaps_[i]);
    zaps_.clear();
    for (int i = 0; i < kZapsPerTick; ++i) {
      const auto id = stream_id(100 + static_cast<unsigned>(zapped_++) % kChannels);
      zaps_.push_back(ask(port_, "GET " + stream_target(id) + " HTTP/1.1\r\nHost: proxy\r\n\r\n"));
    }
  }

  void send_heads() {
    for (int i = 0; i < kHeadsPerTick; ++i) {
      heads_.push_back(ask(port_, "HEAD " + stream_target(stream_id(1)) +
                                      " HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\n\r\n"));
      ++heads_sent_;
    }
  }

  void take_answers() {
    std::erase_if(heads_, [this](const ace::UniqueFd& head) {
      const auto said = heard(head);
      if (!said) return false;
      if (said->starts_with("HTTP/1.1 200 ")) {
        ++heads_answered_;
      } else {
        unexpected_ = "HEAD: " + *said;
      }
      return true;
    });
  }

  std::uint16_t port_;
  std::vector<ace::UniqueFd> slow_{kSlow};
  std::vector<ace::UniqueFd> zaps_;
  std::vector<ace::UniqueFd> heads_;
  std::size_t next_slow_{};
  std::size_t slow_ended_{};
  std::size_t zapped_{};
  std::size_t heads_sent_{};
  std::size_t heads_answered_{};
  std::string unexpected_;
  std::atomic<bool> is_over_{};
  std::thread thread_;
};

std::size_t memory_of(const Service& service) {
  std::size_t bytes = 0;
  for (const auto& row : service.workers()) bytes += resident_bytes(row.pid);
  return bytes;
}

/// Connections that have had one answer and wait with the next request.
std::vector<ace::UniqueFd> idle_connections(const Service& service) {
  std::vector<ace::UniqueFd> all;
  for (std::size_t i = 0; i < kIdle; ++i) {
    all.push_back(ask(service.port(), "GET /healthz HTTP/1.1\r\nHost: proxy\r\n\r\n"));
  }
  for (const auto& connection : all) {
    pollfd readable{.fd = connection.get(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&readable, 1, 20'000) == 1);
    REQUIRE_THAT(heard(connection).value_or(""), Catch::StartsWith("HTTP/1.1 200 "));
  }
  return all;
}

void raise_descriptor_limit() {
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

void tell_ages(const char* when, const Viewers& viewers) {
  WARN("packet age " << when << ": median " << viewers.ages().percentile(0.5).count()
                     << " ms, 99th percentile " << viewers.ages().percentile(0.99).count()
                     << " ms");
}

}  // namespace

TEST_CASE("viewers notice nothing of a crowd", "[crowd]") {
  raise_descriptor_limit();
  const Service service{{.bitrate = 1'000'000,
                         .environment = {{"PROXY_HEADER_TIMEOUT", "4s"},
                                         {"PROXY_IDLE_TIMEOUT", "10m"},
                                         // A zap's thread may have no turn for a second or three.
                                         {"PROXY_START_DELAY", "8s"},
                                         {"PROXY_GRACE_PERIOD", "1s"}}}};
  const auto before = memory_of(service);
  auto idle = idle_connections(service);
  const auto each = (memory_of(service) - before) / kIdle;
  WARN("an idle connection takes " << each << " bytes");
  if (!kIsSanitized) CHECK(each <= kIdleMemory);

  Viewers viewers{service.port()};
  viewers.open(kViewers, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 30s));
  viewers.run_for(2s);
  viewers.restart_ages();
  viewers.run_for(5s);
  tell_ages("without a crowd", viewers);

  Crowd crowd{service.port()};
  viewers.restart_ages();
  viewers.run_for(is_long_run() ? 120s : 10s);
  tell_ages("in a crowd", viewers);
  crowd.disperse();
  WARN(crowd.zaps() << " zaps, " << crowd.heads() << " HEADs, " << crowd.slow_ones_ended()
                    << " slow requests ended");

  CHECK(viewers.count(ViewerState::Streaming) == kViewers);
  CHECK(viewers.faults().empty());
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    CHECK(viewers.at(i).checker().counts().missing == 0);
  }
  CHECK(viewers.longest_pause() < 5s);
  CHECK(crowd.unexpected().empty());
  CHECK(crowd.heads_answered() == crowd.heads());
  CHECK(crowd.slow_ones_ended() > 0);
  CHECK(service.engines().state().engine(0, "sessions_opened") == 1);
  for (const auto& connection : idle) CHECK_FALSE(heard(connection));  // nobody was sent away
  for (const auto& row : service.workers()) {
    if (!kIsSanitized) CHECK(resident_bytes(row.pid) < kWorkerMemory);
  }
}
