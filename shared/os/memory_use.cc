#include "shared/os/memory_use.h"

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string_view>

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

/// Of a line of /proc/self/cgroup, "4:memory:/unit" or, of version 2, "0::/unit": the path, when it
/// is of these controllers.
std::optional<std::string> path_of(const std::string& line, std::string_view controllers) {
  const auto first = line.find(':');
  const auto second = line.find(':', first + 1);
  if (second == line.npos || line.substr(first + 1, second - first - 1) != controllers) {
    return std::nullopt;
  }
  return line.substr(second + 1);
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
  std::optional<MemoryGroup> tightest;
  const auto look = [&tightest](const std::string& mount, std::string path, const Files& files) {
    // A limit of any group around ours is ours. In a container the path may be the host's, of which
    // only the end of the way up, the mount itself, is there.
    while (true) {
      while (path.ends_with('/')) path.pop_back();
      const auto limit = number_in(mount + path + '/' + files.limit);
      if (limit && (!tightest || *limit < tightest->limit_)) {
        tightest = MemoryGroup{mount + path, files, *limit};
      }
      if (path.empty()) return;
      path.erase(path.rfind('/'));
    }
  };
  std::ifstream groups{own};
  for (std::string line; std::getline(groups, line);) {
    if (const auto path = path_of(line, "memory")) look(root + "/memory", *path, kFirst);
    if (const auto path = path_of(line, "")) look(root, *path, kSecond);
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
