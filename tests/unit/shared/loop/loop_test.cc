#include "shared/loop/loop.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "shared/base/unique_fd.h"
#include "shared/loop/fd_watcher.h"
#include "shared/loop/timer.h"

using namespace std::chrono_literals;
using ace::UniqueFd;
using ace::loop::FdEvents;
using ace::loop::FdWatcher;
using ace::loop::Loop;
using ace::loop::UvTimerFactory;

namespace {

std::array<UniqueFd, 2> socket_pair() {
  std::array<int, 2> fds{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()) == 0);
  return {UniqueFd{fds[0]}, UniqueFd{fds[1]}};
}

/// Over TCP, where one end can reset the other.
std::array<UniqueFd, 2> tcp_pair() {
  const UniqueFd listener{::socket(AF_INET, SOCK_STREAM, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(::bind(listener.get(), raw, size) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  REQUIRE(::getsockname(listener.get(), raw, &size) == 0);
  UniqueFd client{::socket(AF_INET, SOCK_STREAM, 0)};
  REQUIRE(::connect(client.get(), raw, size) == 0);
  return {std::move(client), UniqueFd{::accept(listener.get(), nullptr, nullptr)}};
}

}  // namespace

TEST_CASE("a posted task runs in the next turn, in order, and may post again", "[loop]") {
  Loop loop;
  std::vector<int> order;
  loop.post([&] {
    order.push_back(1);
    loop.post([&] { order.push_back(3); });
  });
  loop.post([&] { order.push_back(2); });
  CHECK(order.empty());
  loop.run();
  CHECK(order == std::vector{1, 2, 3});
}

TEST_CASE("what a posted task holds ends before the next one runs", "[loop]") {
  Loop loop;
  auto held = std::make_shared<int>();
  const std::weak_ptr<int> seen{held};
  bool was_gone = false;
  loop.post([held = std::move(held)] {});
  loop.post([&] { was_gone = seen.expired(); });
  loop.run();
  CHECK(was_gone);
}

TEST_CASE("a timer's callback may destroy the timer", "[loop]") {
  Loop loop;
  UvTimerFactory timers{loop};
  auto timer = timers.make();
  int fired = 0;
  timer->every(1ms, [&] {
    ++fired;
    timer.reset();
  });
  loop.run();
  CHECK(fired == 1);
}

TEST_CASE("a watcher tells of bytes, and of a peer that is gone", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  int readable = 0;
  std::unique_ptr<FdWatcher> watcher;
  watcher = std::make_unique<FdWatcher>(loop, pair[0].get(), [&](FdEvents events) {
    REQUIRE(events.readable);
    ++readable;
    char byte{};
    if (::read(pair[0].get(), &byte, 1) == 0) watcher.reset();
  });
  watcher->watch(true, false);
  REQUIRE(::write(pair[1].get(), "x", 1) == 1);
  pair[1].reset();
  loop.run();
  CHECK(readable == 2);
}

TEST_CASE("a stopped watcher has nothing to do with who gets its descriptor next", "[loop]") {
  Loop loop;
  auto before = socket_pair();
  auto stopped = std::make_unique<FdWatcher>(loop, before[0].get(), [](FdEvents) {});
  stopped->watch(true, false);
  loop.run_once(false);
  SECTION("stopped") { stopped->watch(false, false); }
  SECTION("stopped by libuv, for the connection was reset") {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    stopped.reset();
    before = tcp_pair();
    stopped = std::make_unique<FdWatcher>(loop, before[0].get(), [](FdEvents) {});
    stopped->watch(true, true);
    loop.run_once(false);
    REQUIRE(::setsockopt(before[1].get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    before[1].reset();
    loop.run_once(true);
    stopped->watch(false, false);
  }
  const int number = before[0].get();
  before[0].reset();

  auto next = socket_pair();
  const UniqueFd reused{::dup2(next[0].get(), number)};
  REQUIRE(reused.get() == number);
  bool is_told = false;
  FdWatcher watcher{loop, number, [&](FdEvents) { is_told = true; }};
  watcher.watch(true, false);
  loop.run_once(false);
  stopped.reset();
  loop.run_once(false);
  REQUIRE(::write(next[1].get(), "x", 1) == 1);
  loop.run_once(false);
  CHECK(is_told);
}

TEST_CASE("a watcher that was stopped can be started again", "[loop]") {
  Loop loop;
  auto pair = socket_pair();
  int told = 0;
  FdWatcher watcher{loop, pair[0].get(), [&](FdEvents) { ++told; }};
  REQUIRE(::write(pair[1].get(), "x", 1) == 1);
  watcher.watch(true, false);
  loop.run_once(false);
  watcher.watch(false, false);
  loop.run_once(false);
  CHECK(told == 1);
  watcher.watch(true, false);
  loop.run_once(false);
  CHECK(told == 2);
}
