#include "tests/support/clock_shift/shifted_clock.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>
#include <system_error>

#include "shared/base/unique_fd.h"

namespace ace::test {

ShiftedClock::ShiftedClock() {
  const UniqueFd fd{::open(dir_.file("shift").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  const bool is_made = fd && ::ftruncate(fd.get(), sizeof *shift_) == 0;
  void* memory =
      !is_made ? MAP_FAILED
               : ::mmap(nullptr, sizeof *shift_, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) {
    throw std::system_error{errno, std::generic_category(), "shifted clock"};
  }
  shift_ = static_cast<volatile std::int64_t*>(memory);
}

ShiftedClock::~ShiftedClock() { ::munmap(const_cast<std::int64_t*>(shift_), sizeof *shift_); }

std::map<std::string, std::string> ShiftedClock::environment() const {
  return {{"LD_PRELOAD", ACE_CLOCK_SHIFT_LIBRARY}, {"ACE_CLOCK_SHIFT", dir_.file("shift")}};
}

std::vector<std::string> ShiftedClock::launcher() const {
  std::vector<std::string> words{"env"};
  for (const auto& [name, value] : environment()) words.push_back(name + "=" + value);
  return words;
}

}  // namespace ace::test
