#include "tests/bench/cpu_time.h"

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <sstream>
#include <string>

#include "tests/support/process/temp_dir.h"

namespace ace::bench {
namespace {

struct Stat {
  pid_t parent{};
  CpuSeconds cpu{};
};

Stat read_stat(const std::string& pid) {
  const auto text = test::read_text_file("/proc/" + pid + "/stat");
  // The name in brackets may hold anything, brackets too: what follows the last one is regular.
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields{text.substr(name_end + 1)};
  std::string skipped;
  Stat stat;
  fields >> skipped >> stat.parent;
  for (int field = 5; field < 14; ++field) fields >> skipped;  // utime is the 14th of proc(5)
  double user = 0;
  double system = 0;
  fields >> user >> system;
  stat.cpu = CpuSeconds{(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK))};
  return stat;
}

}  // namespace

CpuSeconds cpu_time(pid_t pid) { return read_stat(std::to_string(pid)).cpu; }

CpuSeconds cpu_time_of_family(pid_t parent) {
  CpuSeconds sum = cpu_time(parent);
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto stat = read_stat(name);
    if (stat.parent == parent) sum += stat.cpu;
  }
  return sum;
}

}  // namespace ace::bench
