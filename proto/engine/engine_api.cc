#include "proto/engine/engine_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "proto/engine/engine_json.h"
#include "proto/engine/engine_words.h"

namespace ace::proto::engine {
namespace {

/// Fills `out` with the member's URL led to `called`, where there is one.
Status take_url(std::string& out, const rapidjson::Value& answer, const char* name,
                const Authority& called) {
  const auto text = text_of(answer, name);
  if (text.empty()) return {};
  auto url = rebuilt_url(text, called);
  if (!url) return fail(std::move(url).error().in(name));
  out = std::move(*url);
  return {};
}

/// The first member of these that is there: engine versions name one thing differently.
template <std::size_t N>
std::int64_t first_number(const rapidjson::Value& object, const std::array<const char*, N>& names) {
  for (const char* const name : names) {
    const auto value = number_of(object, name);
    if (value != 0) return value;
  }
  return 0;
}

Result<const rapidjson::Value*> parse_object(rapidjson::Document& document, std::string_view json) {
  auto payload = parse_envelope(document, json);
  if (payload && !(*payload)->IsObject()) {
    return fail(Errc::Protocol, "response is not an object");
  }
  return payload;
}

}  // namespace

std::string Authority::text() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return is_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string getstream_target(const StreamId& id, IdKind kind, std::string_view pid) {
  return fmt::format("/ace/getstream?format=json&{}={}&pid={}",
                     kind == IdKind::ContentId ? "id" : "infohash", id.text(), pid);
}

std::string version_target() {
  return "/webui/api/service?method=get_version&params=device-id&format=json";
}

std::string network_status_target() {
  return "/server/api?api_version=3&method=get_network_connection_status";
}

std::string url_of(const Authority& called, std::string_view target) {
  return fmt::format("http://{}{}", called.text(), target);
}

Result<std::string> rebuilt_url(std::string_view url, const Authority& called) {
  const bool is_printable =
      std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < '\x7F'; });
  if (!is_printable) return fail(Errc::Protocol, "url with characters that no url has");
  auto target = url;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (url.substr(0, scheme.size()) != scheme) continue;
    const auto path = url.find_first_of("/?#", scheme.size());
    target = path == std::string_view::npos ? std::string_view{} : url.substr(path);
    break;
  }
  target = target.substr(0, target.find('#'));
  const bool is_rooted = !target.empty() && target.front() == '/' && target.substr(0, 2) != "//";
  if (!is_rooted) return fail(Errc::Protocol, "url without a path from the root");
  return url_of(called, target);
}

Result<GetstreamAnswer> parse_getstream(std::string_view json, const Authority& called) {
  rapidjson::Document document;
  const auto payload = parse_object(document, json);
  if (!payload) return fail(payload.error());
  const auto& fields = **payload;
  GetstreamAnswer answer;
  for (const auto& [out, name] :
       {std::pair{&answer.playback_url, "playback_url"}, std::pair{&answer.stat_url, "stat_url"},
        std::pair{&answer.command_url, "command_url"}, std::pair{&answer.event_url, "event_url"}}) {
    if (auto taken = take_url(*out, fields, name, called); !taken) return fail(taken.error());
  }
  if (answer.playback_url.empty()) return fail(Errc::Protocol, "answer without playback_url");
  answer.playback_session_id = text_of(fields, "playback_session_id");
  if (const auto infohash = StreamId::parse(text_of(fields, "infohash"))) {
    answer.infohash = infohash->text();
  }
  answer.is_live = number_of(fields, "is_live", 1) != 0;  // -1: not known yet
  answer.is_encrypted = number_of(fields, "is_encrypted") > 0;
  answer.bitrate = std::max<std::int64_t>(0, number_of(fields, "bitrate"));
  return answer;
}

Result<StatAnswer> parse_stat(std::string_view json) {
  rapidjson::Document document;
  const auto payload = parse_object(document, json);
  if (!payload) return fail(payload.error());
  const auto& fields = **payload;
  StatAnswer answer{.status = std::string{text_of(fields, "status")},
                    .peers = number_of(fields, "peers"),
                    .speed_down = first_number<2>(fields, {"speed_down", "speedDown"}),
                    .speed_up = first_number<2>(fields, {"speed_up", "speedUp"}),
                    .downloaded = number_of(fields, "downloaded"),
                    .uploaded = number_of(fields, "uploaded"),
                    .livepos = std::nullopt};
  if (const auto* const live = object_of(fields, "livepos")) {
    answer.livepos =
        LivePosition{.first = first_number<3>(*live, {"live_first", "first_ts", "first"}),
                     .last = first_number<3>(*live, {"live_last", "last_ts", "last"}),
                     .position = number_of(*live, "pos"),
                     .buffer_pieces = number_of(*live, "buffer_pieces")};
  }
  return answer;
}

Status parse_command(std::string_view json) {
  rapidjson::Document document;
  const auto payload = parse_envelope(document, json);
  if (!payload) return fail(payload.error());
  return {};
}

Result<VersionAnswer> parse_version(std::string_view json) {
  rapidjson::Document document;
  const auto payload = parse_object(document, json);
  if (!payload) return fail(payload.error());
  VersionAnswer answer{.code = number_of(**payload, "code"),
                       .version = std::string{text_of(**payload, "version")},
                       .platform = std::string{text_of(**payload, "platform")},
                       .device = one_line(text_of(**payload, "device_id"))};
  if (answer.version.empty()) return fail(Errc::Protocol, "answer without version");
  return answer;
}

Result<bool> parse_network_status(std::string_view json) {
  rapidjson::Document document;
  const auto payload = parse_object(document, json);
  if (!payload) return fail(payload.error());
  return number_of(**payload, "connected") != 0;
}

bool is_taken_over(std::string_view engine_text) {
  return engine_text.find("got newer download") != std::string_view::npos;
}

bool is_unknown_session(std::string_view engine_text) {
  return engine_text.find("unknown playback session id") != std::string_view::npos;
}

}  // namespace ace::proto::engine
