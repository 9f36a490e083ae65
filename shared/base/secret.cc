#include "shared/base/secret.h"

#include <cstddef>

namespace ace {

bool is_same_secret(std::string_view shown, std::string_view secret) {
  if (secret.empty()) return shown.empty();
  unsigned difference = shown.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    difference |= static_cast<unsigned>(static_cast<unsigned char>(shown[i]) ^
                                        static_cast<unsigned char>(secret[i % secret.size()]));
  }
  return difference == 0;
}

}  // namespace ace
