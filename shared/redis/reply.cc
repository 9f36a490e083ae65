#include "shared/redis/reply.h"

#include <charconv>

namespace ace::redis {

std::optional<std::int64_t> Reply::as_integer() const {
  if (kind == Kind::Integer) return integer;
  if (kind != Kind::String) return std::nullopt;
  std::int64_t value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::optional<std::string_view> Reply::as_text() const {
  if (kind != Kind::String && kind != Kind::Status) return std::nullopt;
  return text;
}

}  // namespace ace::redis
