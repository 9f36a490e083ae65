#pragma once

#include <cstdlib>
#include <string_view>

namespace ace::test {

/// `tests/run.sh --long`: tests that repeat or churn do so at full length.
[[nodiscard]] inline bool is_long_run() {
  const char* word = std::getenv("ACE_LONG");
  return word != nullptr && std::string_view{word} != "" && std::string_view{word} != "0";
}

}  // namespace ace::test
