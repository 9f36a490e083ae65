#include "shared/loop/loop.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>

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
