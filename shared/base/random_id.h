#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace ace {

/// `bytes` random bytes from the kernel as lower-case hex (twice as many characters).
[[nodiscard]] std::string random_hex(std::size_t bytes);
[[nodiscard]] std::uint64_t random_u64();

}  // namespace ace
