#pragma once

#include <string_view>

namespace ace {

/// Looks at every byte of what was shown whatever the first ones say: time must not tell how far a
/// guess is right. Only the secret's length can be told.
[[nodiscard]] bool is_same_secret(std::string_view shown, std::string_view secret);

}  // namespace ace
