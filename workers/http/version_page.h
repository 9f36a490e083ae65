#pragma once

#include <string>

namespace ace::http {

/// `GET /version`: which program this is and what it was built with, as JSON.
[[nodiscard]] const std::string& version_page();

}  // namespace ace::http
