#pragma once

#include <string_view>

namespace ace::http {

/// `GET /openapi.json`: every path, parameter and answer (openapi.json beside this file).
[[nodiscard]] std::string_view openapi_page();

}  // namespace ace::http
