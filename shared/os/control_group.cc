#include "shared/os/control_group.h"

#include <algorithm>
#include <fstream>

namespace ace::os {
namespace {

/// Whether a comma list of controllers ("cpu,cpuacct") has this one.
bool has_controller(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (list.substr(0, comma) == wanted) return true;
    if (comma == list.npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

/// Cores: the time of each period that may be used, by its length.
std::optional<double> quota_of(const GroupFolder& folder) {
  double quota{};
  double period{};
  if (folder.is_first) {
    std::ifstream{folder.path + "/cpu.cfs_quota_us"} >> quota;
    std::ifstream{folder.path + "/cpu.cfs_period_us"} >> period;
  } else {
    std::ifstream{folder.path + "/cpu.max"} >> quota >> period;  // "max 100000" is none
  }
  if (quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

}  // namespace

std::vector<GroupFolder> group_folders(std::string_view controller, const std::string& own,
                                       const std::string& root) {
  std::vector<GroupFolder> folders;
  const auto add_all = [&folders](const std::string& mount, std::string path, bool is_first) {
    while (true) {
      while (path.ends_with('/')) path.pop_back();
      folders.push_back({.path = mount + path, .is_first = is_first});
      if (path.empty()) return;
      path.erase(path.rfind('/'));
    }
  };
  // "4:cpu,cpuacct:/unit" or, of version 2, "0::/unit".
  std::ifstream groups{own};
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == line.npos || second + 1 == line.size()) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const auto path = line.substr(second + 1);
    if (controllers.empty()) add_all(root, path, false);
    // Mounted under all of their names, or each under its own.
    if (has_controller(controllers, controller)) {
      add_all(root + '/' + controllers, path, true);
      if (controllers != controller) add_all(root + '/' + std::string{controller}, path, true);
    }
  }
  return folders;
}

std::optional<double> cpu_quota(const std::string& own, const std::string& root) {
  std::optional<double> tightest;
  for (const auto& folder : group_folders("cpu", own, root)) {
    const auto quota = quota_of(folder);
    if (quota) tightest = std::min(*quota, tightest.value_or(*quota));
  }
  return tightest;
}

}  // namespace ace::os
