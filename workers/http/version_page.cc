#include "workers/http/version_page.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <llhttp.h>
#include <rapidjson/rapidjson.h>
#include <uv.h>

#include "coordinator/handover/message.h"
#include "proto/redis/event.h"
#include "workers/http/json_text.h"

namespace ace::http {
namespace {

void write_build(JsonWriter& out) {
  out.Key("build");
  out.StartObject();
  write(out, "type", ACE_BUILD_TYPE);
  write(out, "compiler", ACE_COMPILER);
  out.EndObject();
}

/// What must be the same for processes to understand one another.
void write_protocols(JsonWriter& out) {
  out.Key("protocols");
  out.StartObject();
  write(out, "http", "1.1");
  write(out, "events", std::uint64_t{proto::kEventVersion});
  write(out, "handover", std::uint64_t{handover::Message::kVersion});
  out.EndObject();
}

void write_libraries(JsonWriter& out) {
  out.Key("libraries");
  out.StartObject();
  // As they run, where the library tells; else as they were at build.
  write(out, "libuv", ::uv_version_string());
  write(out, "libcurl", ::curl_version_info(CURLVERSION_NOW)->version);
  write(out, "hiredis", fmt::format("{}.{}.{}", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH));
  write(out, "llhttp",
        fmt::format("{}.{}.{}", LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR, LLHTTP_VERSION_PATCH));
  write(out, "rapidjson", RAPIDJSON_VERSION_STRING);
  write(out, "fmt",
        fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100));
  out.EndObject();
}

std::string make_page() {
  rapidjson::StringBuffer buffer;
  JsonWriter out{buffer};
  out.StartObject();
  write(out, "name", "ace-proxy");
  write(out, "version", ACE_VERSION);
  write_build(out);
  write_protocols(out);
  write_libraries(out);
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace

const std::string& version_page() {
  static const std::string page = make_page();
  return page;
}

}  // namespace ace::http
