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

constexpr std::string_view kWhiteSpace = " \t\r\n";

bool has_scheme(std::string_view text) {
  return proto::http::equals_ignoring_case(text.substr(0, kScheme.size()), kScheme);
}

std::string plain(std::string_view text) {
  text = text.substr(0, text.find('|'));
  const auto begin = text.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos) return {};
  return std::string{text.substr(begin, text.find_last_not_of(kWhiteSpace) - begin + 1)};
}

Result<proto::StreamId> id_of(std::string_view received, std::string_view id) {
  auto parsed = proto::StreamId::parse(id);
  if (parsed) return parsed;
  return fail(parsed.error().code,
              parsed.error().text + ", but this came: " + proto::http::quoted(received));
}

}  // namespace

void drop_additions(proto::http::Target& target) {
  if (!target.path.starts_with(kFolder)) return;
  target.path = plain(target.path);
  while (target.path.ends_with('/')) target.path.pop_back();
  for (auto& param : target.params) param.value = plain(param.value);
}

Result<proto::StreamId> requested_stream(const proto::http::Request& request) {
  const std::string_view path = request.path();
  if (path.starts_with(kFolder) && path.ends_with(kSuffix) && path != kGetstream) {
    const auto name = path.substr(kFolder.size());
    return id_of(path, name.substr(0, name.size() - kSuffix.size()));
  }
  for (const std::string_view name : {"content_id", "id", "infohash", "url"}) {
    const auto value = request.query(name);
    if (!value || value->empty()) continue;
    return id_of(*value, has_scheme(*value) ? value->substr(kScheme.size()) : *value);
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
