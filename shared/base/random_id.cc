#include "shared/base/random_id.h"

#include <sys/random.h>

#include <cerrno>
#include <vector>

#include "shared/base/check.h"

namespace ace {
namespace {

void fill_random(void* out, std::size_t size) {
  auto* at = static_cast<unsigned char*>(out);
  while (size > 0) {
    const ssize_t got = ::getrandom(at, size, 0);
    if (got < 0 && errno == EINTR) continue;
    ACE_CHECK(got > 0, "the kernel always has random bytes after boot");
    at += got;
    size -= static_cast<std::size_t>(got);
  }
}

}  // namespace

std::string random_hex(std::size_t bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::vector<unsigned char> raw(bytes);
  fill_random(raw.data(), raw.size());
  std::string text;
  text.reserve(bytes * 2);
  for (const unsigned char byte : raw) {
    text.push_back(kDigits[byte >> 4U]);
    text.push_back(kDigits[byte & 15U]);
  }
  return text;
}

std::uint64_t random_u64() {
  std::uint64_t value{};
  fill_random(&value, sizeof value);
  return value;
}

}  // namespace ace
