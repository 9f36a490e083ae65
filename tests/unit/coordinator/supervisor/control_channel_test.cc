#include "coordinator/supervisor/control_channel.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

using namespace ace::supervisor;

TEST_CASE("a control message arrives as it was sent", "[supervisor]") {
  const auto channel = make_control_channel();
  REQUIRE(channel);
  const ControlMessage died{
      .kind = ControlKind::WorkerDied, .worker = {.slot = 63, .generation = 70'000}, .pid = 4711};
  REQUIRE(send_control(channel->supervisor.get(), died));
  REQUIRE(send_control(channel->supervisor.get(), {.kind = ControlKind::Drain, .worker = {}}));
  CHECK(**receive_control(channel->worker.get()) == died);
  CHECK((*receive_control(channel->worker.get()))->kind == ControlKind::Drain);
  CHECK_FALSE(*receive_control(channel->worker.get()));
}

TEST_CASE("the end of the other side is told apart from silence", "[supervisor]") {
  auto channel = make_control_channel();
  REQUIRE(channel);
  CHECK(receive_control(channel->worker.get()).has_value());
  channel->supervisor.reset();
  CHECK(receive_control(channel->worker.get()).error().code == ace::Errc::Closed);
  CHECK(send_control(channel->worker.get(), {.kind = ControlKind::Ready, .worker = {}})
            .error()
            .code == ace::Errc::Closed);
}

TEST_CASE("a side that does not read never makes the other one wait", "[supervisor]") {
  const auto channel = make_control_channel();
  REQUIRE(channel);
  ace::Status sent;
  for (int i = 0; i < 100'000 && sent; ++i) {
    sent = send_control(channel->supervisor.get(), {.kind = ControlKind::Drain, .worker = {}});
  }
  REQUIRE_FALSE(sent);
  CHECK(sent.error().code == ace::Errc::Busy);
}

TEST_CASE("bytes that are no message of ours are refused", "[supervisor]") {
  const auto channel = make_control_channel();
  REQUIRE(channel);
  REQUIRE(send(channel->supervisor.get(), "hello", 5, 0) == 5);
  CHECK(receive_control(channel->worker.get()).error().code == ace::Errc::Protocol);
}
