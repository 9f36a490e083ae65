#include "coordinator/host/host_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <new>

namespace ace::host {

struct HostMemory::Shared {
  Scoreboard scoreboard;
  OwnershipTable ownership;
  EngineTable engines;
  OrderBoard orders;
  FilmTable films;
  TransferBoard transfers;
};

namespace {

/// To be raised when bytes that processes exchange on one host mean something else, or a kind of
/// message is added, though no size changes: in this memory, in the inboxes (handover/message.h),
/// on the control channels (supervisor/control_channel.h).
constexpr unsigned kMeaning = 2;

Result<void*> map(int fd, std::size_t size) {
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return fail(Error::from_errno("mmap of the host memory", errno));
  return memory;
}

}  // namespace

Result<std::unique_ptr<HostMemory>> HostMemory::create() {
  UniqueFd fd{::memfd_create("ace-proxy-host", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!fd || ::ftruncate(fd.get(), sizeof(Shared)) != 0) {
    return fail(Error::from_errno("host memory", errno));
  }
  // Who cut it short would end every worker by SIGBUS.
  ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  auto memory = map(fd.get(), sizeof(Shared));
  if (!memory) return fail(std::move(memory).error());
  auto* shared = new (*memory) Shared{};
  shared->ownership.init();
  shared->engines.init();
  shared->orders.init();
  shared->films.init();
  const auto now = SystemClock{}.wall_now().time_since_epoch();
  shared->scoreboard.started_at_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  std::unique_ptr<HostMemory> host{new HostMemory(std::move(fd), shared, {})};
  for (auto& inbox : host->inboxes_) {
    auto made = make_inbox();
    if (!made) return fail(std::move(made).error());
    inbox = std::move(*made);
  }
  return host;
}

Result<std::unique_ptr<HostMemory>> HostMemory::adopt(UniqueFd memory, Inboxes inboxes) {
  struct stat info {};
  if (::fstat(memory.get(), &info) != 0) return fail(Error::from_errno("host memory", errno));
  if (static_cast<std::size_t>(info.st_size) != sizeof(Shared)) {
    return fail(Errc::Protocol, "host memory: of another size");
  }
  auto mapped = map(memory.get(), sizeof(Shared));
  if (!mapped) return fail(std::move(mapped).error());
  return std::unique_ptr<HostMemory>{
      new HostMemory(std::move(memory), *mapped, std::move(inboxes))};
}

std::string HostMemory::layout() {
  return fmt::format("{}/{}/{}/{}/{}/{}/{}/{}", kMeaning, kMaxSlots, sizeof(SlotBoard),
                     sizeof(Scoreboard), sizeof(OwnershipTable), sizeof(EngineTable),
                     sizeof(OrderBoard), sizeof(Shared));
}

HostMemory::~HostMemory() { ::munmap(shared_, sizeof(Shared)); }

Scoreboard& HostMemory::scoreboard() { return shared_->scoreboard; }
OwnershipTable& HostMemory::ownership() { return shared_->ownership; }
EngineTable& HostMemory::engines() { return shared_->engines; }
OrderBoard& HostMemory::orders() { return shared_->orders; }
FilmTable& HostMemory::films() { return shared_->films; }
TransferBoard& HostMemory::transfers() { return shared_->transfers; }

}  // namespace ace::host
