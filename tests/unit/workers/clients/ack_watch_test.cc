#include "workers/clients/ack_watch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include "shared/base/unique_fd.h"
#include "tests/support/clock/manual_clock.h"

using namespace std::chrono_literals;
using ace::UniqueFd;
using ace::clients::AckSample;
using ace::clients::AckWatch;
using ace::clients::sample_acks;

namespace {

struct Fixture {
  /// Time passes, and then the kernel says this.
  void after(std::chrono::milliseconds time, std::uint64_t sent, std::optional<AckSample> sample,
             bool is_blocked = false) {
    clock.advance(time);
    watch.update(sample, sent, is_blocked, clock.now());
  }
  [[nodiscard]] std::chrono::nanoseconds quiet() const { return watch.quiet(clock.now()); }

  ace::test::ManualClock clock;
  AckWatch watch{clock.now()};
};

}  // namespace

TEST_CASE("a peer that acknowledges is not quiet", "[ack_watch]") {
  Fixture f;
  f.after(10s, 1000, AckSample{.outstanding = 200, .since_last_ack = 50ms});
  CHECK(f.watch.acknowledged() == 800);
  CHECK(f.watch.last_ack() == f.clock.now() - 50ms);
  f.after(10s, 2000, AckSample{.outstanding = 300, .since_last_ack = 100ms});
  CHECK(f.watch.acknowledged() == 1700);
  CHECK(f.quiet() == 100ms);
}

TEST_CASE("what is sent and not acknowledged makes a peer quiet", "[ack_watch]") {
  Fixture f;
  f.after(1s, 1000, AckSample{.outstanding = 500, .since_last_ack = 0ms});
  const auto since = f.clock.now();
  f.after(10s, 90'000, AckSample{.outstanding = 89'500, .since_last_ack = 10s});
  f.after(10s, 99'000, AckSample{.outstanding = 98'500, .since_last_ack = 20s});
  CHECK(f.watch.last_ack() == since);
  CHECK(f.quiet() == 20s);
}

TEST_CASE("a closed window's probes are acknowledged, and count for nothing", "[ack_watch]") {
  Fixture f;
  f.after(1s, 1000, AckSample{.outstanding = 500, .since_last_ack = 0ms});
  for (int i = 0; i < 62; ++i) {
    f.after(500ms, 1000, AckSample{.outstanding = 500, .since_last_ack = 20ms}, true);
  }
  CHECK(f.quiet() == 31s);
}

TEST_CASE("with nothing outstanding nobody is waited for, however long", "[ack_watch]") {
  Fixture f;
  f.after(1s, 1000, AckSample{.outstanding = 0, .since_last_ack = 0ms});
  f.after(60s, 1000, AckSample{.outstanding = 0, .since_last_ack = 60s});
  CHECK(f.quiet() == 0s);
  // Something is sent again: the time runs from now on.
  f.after(60s, 1188, AckSample{.outstanding = 188, .since_last_ack = 120s});
  CHECK(f.quiet() == 0s);
  f.after(5s, 1188, AckSample{.outstanding = 188, .since_last_ack = 125s});
  CHECK(f.quiet() == 5s);
}

TEST_CASE("without a sample what the socket takes stands for it", "[ack_watch]") {
  Fixture f;
  f.after(1s, 1000, std::nullopt);
  CHECK(f.watch.acknowledged() == 1000);
  CHECK(f.watch.last_ack() == f.clock.now());
  f.after(60s, 1000, std::nullopt);
  CHECK(f.quiet() == 0s);
  f.after(500ms, 5000, std::nullopt, true);
  f.after(20s, 5000, std::nullopt, true);
  CHECK(f.quiet() == 20s);
  f.after(1s, 6000, std::nullopt, true);
  CHECK(f.quiet() == 0s);
}

TEST_CASE("a TCP socket tells what its peer has not confirmed, another one nothing",
          "[ack_watch]") {
  const UniqueFd listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(::bind(listener.get(), raw, size) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  REQUIRE(::getsockname(listener.get(), raw, &size) == 0);
  const UniqueFd sender{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  REQUIRE(::connect(sender.get(), raw, size) == 0);
  const UniqueFd peer{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  const std::string data(1U << 20U, 'x');
  ssize_t sent = 0;
  for (ssize_t more = 1; more > 0; sent += std::max<ssize_t>(more, 0)) {
    more = ::send(sender.get(), data.data(), data.size(), MSG_DONTWAIT);
  }
  const auto sample = sample_acks(sender.get());
  REQUIRE(sample);
  CHECK(sample->outstanding > 0);
  CHECK(sample->outstanding < static_cast<std::uint64_t>(sent));

  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const UniqueFd one{ends[0]};
  const UniqueFd other{ends[1]};
  CHECK_FALSE(sample_acks(one.get()));
}
