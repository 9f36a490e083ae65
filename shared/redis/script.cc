#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <string>
#include <utility>

#include "shared/base/check.h"
#include "shared/redis/client.h"

namespace ace::redis {
namespace {

/// Redis knows a script by the SHA-1 of its text, in lower-case hex.
std::string sha1_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size{};
  ACE_CHECK(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) == 1,
            "OpenSSL has SHA-1");
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest.at(i));
  return hex;
}

}  // namespace

Script::Script(std::string text)
    : text_{std::make_shared<const std::string>(std::move(text))}, sha1_{sha1_hex(*text_)} {}

}  // namespace ace::redis
