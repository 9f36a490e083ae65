#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ace {

/// Looks at every byte of what was shown whatever the first ones say: time must not tell how far a
/// guess is right. Only the secret's length can be told.
[[nodiscard]] bool is_same_secret(std::string_view shown, std::string_view secret);

/// From now on without_secrets() leaves out these, in the place of those of before. One list a
/// process; the settings fill it. Empty ones are skipped.
void hide_secrets(const std::vector<std::string>& secrets);

/// `text` with `***` in place of each secret: as it is, percent-encoded (`%41`, `+`), or escaped as
/// `{:?}` writes it (`\"`, `\x7f`). A secret of fewer than 8 bytes may be a common word: it is left
/// out only where it stands by itself, and not as the name in `name=value`.
[[nodiscard]] std::string without_secrets(std::string_view text);

}  // namespace ace
