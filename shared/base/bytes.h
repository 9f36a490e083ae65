#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ace {

using ByteSpan = std::span<const std::byte>;

inline namespace literals {
constexpr std::size_t operator""_KiB(unsigned long long n) { return n << 10U; }
constexpr std::size_t operator""_MiB(unsigned long long n) { return n << 20U; }
}  // namespace literals

[[nodiscard]] inline ByteSpan as_bytes(std::string_view text) {
  return std::as_bytes(std::span{text.data(), text.size()});
}
/// The bytes seen as text; valid as long as they are.
[[nodiscard]] inline std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace ace
