#include "coordinator/host/host_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace ace::host;
using ace::UniqueFd;

namespace {

HostMemory::Inboxes copies_of_inboxes(const HostMemory& memory) {
  HostMemory::Inboxes copies;
  for (std::uint32_t slot = 0; slot < copies.size(); ++slot) {
    const auto& inbox = memory.inbox(slot);
    copies[slot] = {.receive = UniqueFd{dup(inbox.receive.get())},
                    .send = UniqueFd{dup(inbox.send.get())}};
  }
  return copies;
}

}  // namespace

TEST_CASE("adopted memory is the memory, and its inboxes are the inboxes", "[host]") {
  auto made = HostMemory::create();
  REQUIRE(made);
  auto& first = **made;
  const auto worker = first.scoreboard().open_slot(5);
  REQUIRE(send_to_inbox(first.inbox(7), "on its way", -1));

  auto adopted = HostMemory::adopt(UniqueFd{dup(first.descriptor())}, copies_of_inboxes(first));
  REQUIRE(adopted);
  auto& second = **adopted;
  CHECK(second.scoreboard().is_alive(worker));
  CHECK(second.scoreboard().started_at_ms == first.scoreboard().started_at_ms);
  second.scoreboard().close_slot(5);
  CHECK_FALSE(first.scoreboard().is_alive(worker));
  const auto message = receive_from_inbox(second.inbox(7));
  REQUIRE(message);
  REQUIRE(*message);
  CHECK((*message)->bytes == "on its way");
}

TEST_CASE("memory of another size is not adopted", "[host]") {
  UniqueFd small{memfd_create("small", MFD_CLOEXEC)};
  REQUIRE(ftruncate(small.get(), 4096) == 0);
  CHECK_FALSE(HostMemory::adopt(std::move(small), {}));
}

TEST_CASE("nobody can cut the memory short", "[host]") {
  auto made = HostMemory::create();
  REQUIRE(made);
  CHECK(ftruncate((*made)->descriptor(), 4096) != 0);
}
