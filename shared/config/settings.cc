#include "shared/config/settings.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "shared/config/setting_tables.h"
#include "shared/config/value.h"
#include "shared/os/control_group.h"

namespace ace::config {
namespace {

std::vector<Setting> make_settings() {
  std::vector<Setting> all;
  add_engine_settings(all);
  add_server_settings(all);
  add_access_settings(all);
  add_redis_settings(all);
  add_buffer_settings(all);
  add_client_settings(all);
  add_log_settings(all);
  return all;
}

std::string canonical(std::string_view name) {
  while (name.starts_with('-')) name.remove_prefix(1);
  std::string key = to_lower(name);
  std::replace(key.begin(), key.end(), '-', '_');
  return key;
}

}  // namespace

unsigned usable_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return 1;
  const auto cores = std::max(static_cast<unsigned>(CPU_COUNT(&mask)), 1U);
  const auto quota = os::cpu_quota();
  // Of one and a half the half is worth a worker.
  return quota ? std::min(cores, std::max(static_cast<unsigned>(std::ceil(*quota)), 1U)) : cores;
}

unsigned workers_for_this_host() { return std::min(usable_cores(), kMostWorkers); }

std::string system_host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

std::string Setting::flag() const {
  std::string out = "--" + to_lower(key);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

const std::vector<Setting>& settings() {
  static const std::vector<Setting> table = make_settings();
  return table;
}

const Setting* find_setting(std::string_view name) {
  const auto wanted = canonical(name);
  const auto& table = settings();
  const auto found = std::find_if(table.begin(), table.end(), [&](const Setting& setting) {
    return canonical(setting.key) == wanted ||
           (!setting.alias.empty() && canonical(setting.alias) == wanted);
  });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace ace::config
