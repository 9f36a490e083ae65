#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace ace::os {

/// Bytes of physical memory that a process holds, shared ones included. 0: it is gone.
[[nodiscard]] std::uint64_t resident_bytes(pid_t pid);

/// The part of this process's memory that it has freed and its allocator still holds.
class FreeMemory {
 public:
  /// Gives it back to the system where it is more than `kept` bytes; what lies between pieces in
  /// use cannot be given back, and is not tried again before there is more. Takes up to some
  /// milliseconds for each 100 MiB.
  void give_back(std::uint64_t kept);

 private:
  std::uint64_t left_{};  ///< when it was given back last
};

/// The memory control group (cgroup, of either version) that limits this process: a container's, or
/// a unit's with MemoryMax=.
class MemoryGroup {
 public:
  /// The tightest of those around this process. Nothing: none of them has a limit.
  /// @param own lists the groups of this process
  /// @param root is where they are mounted
  [[nodiscard]] static std::optional<MemoryGroup> find(const std::string& own = "/proc/self/cgroup",
                                                       const std::string& root = "/sys/fs/cgroup");

  [[nodiscard]] std::uint64_t limit() const { return limit_; }
  /// Bytes that the group holds, without what the kernel gives up as soon as it needs room.
  [[nodiscard]] std::optional<std::uint64_t> used() const;

 private:
  /// What the files of one version are called.
  struct Files {
    const char* limit;
    const char* usage;
    const char* inactive;  ///< the line of memory.stat
  };
  static const Files kFirst, kSecond;

  MemoryGroup(std::string folder, const Files& files, std::uint64_t limit)
      : folder_{std::move(folder)}, files_{&files}, limit_{limit} {}

  std::string folder_;
  const Files* files_;
  std::uint64_t limit_;
};

}  // namespace ace::os
