#pragma once

#include <rapidjson/document.h>

#include <cstdint>
#include <string>

#include "tests/support/process/http_request.h"

namespace ace::test {

/// Parsed JSON of a reply.
[[nodiscard]] inline rapidjson::Document json_of(const HttpReply& reply) {
  rapidjson::Document document;
  document.Parse(reply.body.data(), reply.body.size());
  return document;
}

/// Asks for a stream as a player; `more` is appended to the query.
[[nodiscard]] inline HttpReply get_stream(std::uint16_t port, const std::string& id,
                                          const std::string& pid, const std::string& more = {}) {
  return http_request(port, "GET", "/ace/getstream?format=json&id=" + id + "&pid=" + pid + more);
}

/// The path of one of the urls in a getstream reply; empty when it is not there.
[[nodiscard]] inline std::string path_in(const HttpReply& reply, const char* name) {
  const auto document = json_of(reply);
  if (!document.IsObject() || !document.HasMember("response")) return {};
  const auto& response = document["response"];
  if (!response.IsObject() || !response.HasMember(name)) return {};
  const std::string url = response[name].GetString();
  return url.substr(url.find('/', std::string{"http://"}.size()));
}

}  // namespace ace::test
