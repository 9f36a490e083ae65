#include "tests/support/process/resident_memory.h"

#include <charconv>
#include <string>
#include <string_view>

#include "tests/support/process/temp_dir.h"

namespace ace::test {

std::size_t resident_bytes(pid_t process) {
  constexpr std::string_view kLine = "VmRSS:";
  const auto status = read_text_file("/proc/" + std::to_string(process) + "/status");
  const auto line = status.find(kLine);
  if (line == std::string::npos) return 0;
  const auto digits = status.find_first_of("0123456789", line);
  std::size_t kilobytes = 0;
  std::from_chars(status.data() + digits, status.data() + status.size(), kilobytes);
  return kilobytes * 1024;
}

}  // namespace ace::test
