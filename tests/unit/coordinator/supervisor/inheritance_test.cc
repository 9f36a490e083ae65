#include "coordinator/supervisor/inheritance.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include <catch2/catch.hpp>

using namespace ace::supervisor;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

Inheritance some_inheritance() {
  Inheritance some{.program = "/opt/two words/ace-proxy",
                   .listen = "127.0.0.1:8000,unix:/run/ace.sock",
                   .port_file = "",
                   .blocked_signals = {10, 17},
                   .sockets = {},
                   .memory = 5,
                   .inboxes = {},
                   .workers = {}};
  some.sockets.push_back({.fd = 3, .is_ours = false, .owned_path = {}, .device = 0, .inode = 0});
  some.sockets.push_back(
      {.fd = 4, .is_ours = true, .owned_path = "/run/a socket", .device = 7, .inode = 99});
  for (int i = 0; auto& inbox : some.inboxes) inbox = {.receive = 100 + i++, .send = 100 + i++};
  some.workers.push_back({.worker = {.slot = 3, .generation = 12},
                          .state = SlotState::Draining,
                          .pid = 4711,
                          .control = -1,
                          .started = ace::SteadyTime{123456789ns},
                          .restart_at = {},
                          .next_delay = 400ms,
                          .heir = {.slot = 5, .generation = 2}});
  some.workers.push_back({.worker = {.slot = 63, .generation = 1},
                          .state = SlotState::BackingOff,
                          .pid = 0,
                          .control = 9,
                          .started = {},
                          .restart_at = ace::SteadyTime{2s},
                          .next_delay = 30s,
                          .heir = {}});
  return some;
}

/// Descriptors that are open; what they are does not matter here.
Inheritance open_inheritance(int fd) {
  auto some = some_inheritance();
  some.memory = fd;
  for (auto& socket : some.sockets) socket.fd = fd;
  for (auto& inbox : some.inboxes) inbox = {.receive = fd, .send = fd};
  for (auto& worker : some.workers) worker.control = fd;
  return some;
}

}  // namespace

TEST_CASE("what is written is what is read", "[upgrade]") {
  const auto read = parse_inheritance(to_text(some_inheritance()));
  REQUIRE(read);
  CHECK(*read == some_inheritance());
}

TEST_CASE("an inheritance names every descriptor that it needs", "[upgrade]") {
  const auto all = some_inheritance().descriptors();
  CHECK(all.size() == 1 + 2 + 2 * ace::host::kMaxSlots + 1);  // one worker closed its channel
}

TEST_CASE("an inheritance that is cut short anywhere is refused", "[upgrade]") {
  const auto text = to_text(some_inheritance());
  for (std::size_t size = 0; size + 1 < text.size(); ++size) {
    CHECK_FALSE(parse_inheritance(text.substr(0, size)));
  }
}

TEST_CASE("an inheritance of another layout is refused, and both are named", "[upgrade]") {
  auto text = to_text(some_inheritance());
  text.replace(0, text.find('\n'), "ace-proxy-inheritance-1 1/64/9");
  const auto read = parse_inheritance(text);
  REQUIRE_FALSE(read);
  CHECK_THAT(read.error().text, Contains("1/64/9") && Contains(ace::host::HostMemory::layout()) &&
                                    Contains("restart"));
}

TEST_CASE("lines that this program does not know are refused", "[upgrade]") {
  const auto text = to_text(some_inheritance());
  const std::string end = "end\n";
  const auto with = [&](const std::string& line) {
    return text.substr(0, text.size() - end.size()) + line + "\n" + end;
  };
  REQUIRE(parse_inheritance(with("blocked 1")));
  CHECK_FALSE(parse_inheritance(with("cake 1")));
  CHECK_FALSE(parse_inheritance(with("blocked a b")));
  CHECK_FALSE(parse_inheritance(with("inbox 64 1 2")));
  CHECK_FALSE(parse_inheritance(with("worker 64 1 ready 1 1 0 0 0 0 0")));
  CHECK_FALSE(parse_inheritance(with("worker 1 1 asleep 1 1 0 0 0 0 0")));
  CHECK_FALSE(parse_inheritance(with("worker 1 1 ready 1")));
}

TEST_CASE("an inheritance is claimed once, and goes no further", "[upgrade]") {
  const ace::UniqueFd open{::open("/dev/null", O_RDONLY)};
  const auto left = open_inheritance(open.get());
  auto file = write_inheritance(left);
  REQUIRE(file);
  announce_inheritance(Role::Trial, file->release());
  const auto claimed = claim_inheritance();
  REQUIRE(claimed);
  REQUIRE(*claimed);
  CHECK((*claimed)->role == Role::Trial);
  CHECK((*claimed)->inheritance == left);
  CHECK((fcntl(open.get(), F_GETFD) & FD_CLOEXEC) != 0);
  const auto again = claim_inheritance();
  REQUIRE(again);
  CHECK_FALSE(*again);
}

TEST_CASE("an inheritance with a closed descriptor is refused", "[upgrade]") {
  const ace::UniqueFd open{::open("/dev/null", O_RDONLY)};
  auto left = open_inheritance(open.get());
  left.workers.back().control = 100'000;
  auto file = write_inheritance(left);
  REQUIRE(file);
  announce_inheritance(Role::Heir, file->release());
  const auto claimed = claim_inheritance();
  REQUIRE_FALSE(claimed);
  CHECK_THAT(claimed.error().text, Contains("100000"));
}

TEST_CASE("a set of signals survives its way through a list", "[upgrade]") {
  const std::vector<int> signals{SIGHUP, SIGTERM};
  CHECK(members_of(set_of(signals)) == signals);
  CHECK(members_of(set_of({})).empty());
}
