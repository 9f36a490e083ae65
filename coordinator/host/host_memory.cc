#include "coordinator/host/host_memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <new>

namespace ace::host {

struct HostMemory::Shared {
  Scoreboard scoreboard;
  OwnershipTable ownership;
  EngineTable engines;
  OrderBoard orders;
};

Result<std::unique_ptr<HostMemory>> HostMemory::create() {
  void* memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail(Error::from_errno("mmap of the host memory", errno));
  auto* shared = new (memory) Shared{};
  shared->ownership.init();
  shared->engines.init();
  shared->orders.init();
  const auto now = SystemClock{}.wall_now().time_since_epoch();
  shared->scoreboard.started_at_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  std::unique_ptr<HostMemory> host{new HostMemory(shared)};
  for (auto& inbox : host->inboxes_) {
    auto made = make_inbox();
    if (!made) return fail(std::move(made).error());
    inbox = std::move(*made);
  }
  return host;
}

HostMemory::~HostMemory() { ::munmap(shared_, sizeof(Shared)); }

Scoreboard& HostMemory::scoreboard() { return shared_->scoreboard; }
OwnershipTable& HostMemory::ownership() { return shared_->ownership; }
EngineTable& HostMemory::engines() { return shared_->engines; }
OrderBoard& HostMemory::orders() { return shared_->orders; }

}  // namespace ace::host
