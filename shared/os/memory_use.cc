#include "shared/os/memory_use.h"

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string_view>
#include <utility>

#include "shared/os/control_group.h"

namespace ace::os {
namespace {

/// What version 1 says for "none": the largest number of whole pages.
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 62U;

/// Nothing for "max", which is no limit.
std::optional<std::uint64_t> number_in(const std::string& path) {
  std::ifstream file{path};
  std::uint64_t number{};
  if (!(file >> number) || number >= kNoLimit) return std::nullopt;
  return number;
}

/// memory.stat has one name and one number a line.
std::uint64_t line_of(const std::string& path, std::string_view wanted) {
  std::ifstream file{path};
  std::string name;
  std::uint64_t number{};
  while (file >> name >> number) {
    if (name == wanted) return number;
  }
  return 0;
}

/// Pages of this process alone that are there, in bytes, less what is allocated.
std::uint64_t freed_bytes() {
  std::ifstream file{"/proc/self/statm"};
  std::uint64_t whole{};
  std::uint64_t resident{};
  std::uint64_t shared{};
  if (!(file >> whole >> resident >> shared) || resident < shared) return 0;
  const auto own = (resident - shared) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto heap = ::mallinfo2();
  const std::uint64_t allocated = heap.uordblks + heap.hblkhd;
  return own > allocated ? own - allocated : 0;
}

}  // namespace

void FreeMemory::give_back(std::uint64_t kept) {
  const auto freed = freed_bytes();
  left_ = std::min(left_, freed);
  if (freed - left_ <= kept) return;
  ::malloc_trim(0);
  left_ = freed_bytes();
}

const MemoryGroup::Files MemoryGroup::kFirst{.limit = "memory.limit_in_bytes",
                                             .usage = "memory.usage_in_bytes",
                                             .inactive = "total_inactive_file"};
const MemoryGroup::Files MemoryGroup::kSecond{
    .limit = "memory.max", .usage = "memory.current", .inactive = "inactive_file"};

std::uint64_t resident_bytes(pid_t pid) {
  std::ifstream file{fmt::format("/proc/{}/statm", pid)};
  std::uint64_t whole{};
  std::uint64_t resident{};
  if (!(file >> whole >> resident)) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::optional<MemoryGroup> MemoryGroup::find(const std::string& own, const std::string& root) {
  // A limit of any group around ours is ours.
  std::optional<MemoryGroup> tightest;
  for (auto& folder : group_folders("memory", own, root)) {
    const auto& files = folder.is_first ? kFirst : kSecond;
    const auto limit = number_in(folder.path + '/' + files.limit);
    if (limit && (!tightest || *limit < tightest->limit_)) {
      tightest = MemoryGroup{std::move(folder.path), files, *limit};
    }
  }
  return tightest;
}

std::optional<std::uint64_t> MemoryGroup::used() const {
  const auto usage = number_in(folder_ + '/' + files_->usage);
  if (!usage) return std::nullopt;
  const auto inactive = line_of(folder_ + "/memory.stat", files_->inactive);
  return *usage > inactive ? *usage - inactive : 0;
}

}  // namespace ace::os
