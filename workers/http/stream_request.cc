#include "workers/http/stream_request.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "proto/http/request_rules.h"

namespace ace::http {
namespace {

constexpr std::string_view kScheme = "acestream://";
constexpr std::string_view kFolder = "/ace/";
constexpr std::string_view kSuffix = ".ts";
/// Not an id, though it stands where one may stand: old sets want any address to end so.
constexpr std::string_view kGetstream = "/ace/getstream.ts";

std::string_view without_scheme(std::string_view text) {
  const bool has_scheme =
      proto::http::equals_ignoring_case(text.substr(0, kScheme.size()), kScheme);
  return has_scheme ? text.substr(kScheme.size()) : text;
}

}  // namespace

Result<proto::StreamId> requested_stream(const proto::http::Request& request) {
  const std::string_view path = request.path();
  if (path.starts_with(kFolder) && path.ends_with(kSuffix) && path != kGetstream) {
    const auto name = path.substr(kFolder.size());
    return proto::StreamId::parse(name.substr(0, name.size() - kSuffix.size()));
  }
  for (const std::string_view name : {"content_id", "id", "infohash"}) {
    const auto value = request.query(name);
    if (value && !value->empty()) return proto::StreamId::parse(without_scheme(*value));
  }
  return fail(Errc::NotFound, "which stream? add id=, infohash= or content_id=");
}

Result<std::chrono::milliseconds> requested_delay(const proto::http::Request& request,
                                                  std::chrono::milliseconds most) {
  const auto text = request.query("delay");
  if (!text) return std::chrono::milliseconds{0};
  const auto longest = std::chrono::duration_cast<std::chrono::seconds>(most);
  std::uint16_t seconds = 0;
  const auto* const end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, seconds);
  if (error != std::errc{} || stop != end || std::chrono::seconds{seconds} > longest) {
    return fail(Errc::InvalidArgument,
                fmt::format("delay is a number of seconds from 0 to {}", longest.count()));
  }
  return std::chrono::seconds{seconds};
}

}  // namespace ace::http
