#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ace::os {

/// A control group (cgroup) around this process, as files.
struct GroupFolder {
  std::string path;
  bool is_first{};  ///< of version 1; else of version 2
};

/// The groups around this process that `controller` ("memory", "cpu") may limit, of either version,
/// each before the one around it. In a container the path may be the host's, of which only the end
/// of the way up, the mount itself, is there: not every folder exists.
/// @param own lists the groups of this process
/// @param root is where they are mounted
[[nodiscard]] std::vector<GroupFolder> group_folders(std::string_view controller,
                                                     const std::string& own = "/proc/self/cgroup",
                                                     const std::string& root = "/sys/fs/cgroup");

/// How many cores' time the control groups around this process let it have (CPUQuota=, --cpus);
/// nothing: no limit.
[[nodiscard]] std::optional<double> cpu_quota(const std::string& own = "/proc/self/cgroup",
                                              const std::string& root = "/sys/fs/cgroup");

}  // namespace ace::os
