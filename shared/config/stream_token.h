#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"

namespace ace::config {

/// What a playlist shows to be given streams. The name is for logs.
struct StreamToken {
  std::string name;
  std::string token;  ///< secret
  bool operator==(const StreamToken&) const = default;
};

/// A comma list of `name:token`; empty items are skipped. Names and tokens are each unique and made
/// of letters, digits and `-._~`, so that no url has to escape them; a token has at least 8. The
/// error names the entry by its place or its name, never by its token.
[[nodiscard]] Result<std::vector<StreamToken>> parse_stream_tokens(std::string_view list);

/// As parse_stream_tokens() reads it.
[[nodiscard]] std::string text_of(const std::vector<StreamToken>& tokens);

}  // namespace ace::config
