#pragma once

#include <cstdint>
#include <string_view>

namespace ace::host {

/// FNV-1a, 64 bits. For what stands in shared memory: programs of two versions share that, and
/// std::hash may differ between them.
[[nodiscard]] constexpr std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3U;
  }
  return hash;
}
static_assert(fnv1a("foobar") == 0x85944171f73967e8U);

}  // namespace ace::host
