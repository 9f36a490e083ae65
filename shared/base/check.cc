#include "shared/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace ace {

void check_failed(const char* condition, const char* why, const char* file, int line) {
  std::fprintf(stderr, "check failed: %s (%s) at %s:%d\n", condition, why, file, line);
  std::abort();
}

}  // namespace ace
