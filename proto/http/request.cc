#include "proto/http/request.h"

#include <algorithm>

namespace ace::proto::http {

std::optional<std::string_view> Request::header(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, &Header::name);
  if (found == headers.end()) return std::nullopt;
  return found->value;
}

std::string_view Request::host() const {
  if (!target.authority.empty()) return target.authority;
  return header("host").value_or(std::string_view{});
}

}  // namespace ace::proto::http
