#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>

#include "shared/base/text.h"

namespace ace::host {

/// Text in shared memory, which can hold no std::string: cut to what fits, between characters.
template <std::size_t N>
void store_text(std::array<char, N>& to, std::string_view text) {
  const auto kept = cut_text(text, N - 1);
  std::ranges::copy(kept, to.data());
  to[kept.size()] = '\0';
}

template <std::size_t N>
std::string load_text(const std::array<char, N>& from) {
  return {from.data(), strnlen(from.data(), N)};
}

}  // namespace ace::host
