#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ace::config {

/// What is probably meant as a setting and is none: variables of the environment (`NAME=value`)
/// that begin as ours do. One sentence each, with the setting that was meant where one is near.
/// Variables that Kubernetes, Docker or this program's own supervisor set are passed over.
[[nodiscard]] std::vector<std::string> unknown_variables(
    const std::vector<std::string_view>& variables);

/// The variables of this process.
[[nodiscard]] std::vector<std::string_view> process_variables();

}  // namespace ace::config
