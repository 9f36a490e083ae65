#include "workers/http/api_key.h"

#include <catch2/catch.hpp>

using ace::http::ApiKey;
using ace::proto::http::Request;

namespace {

Request with_header(const std::string& value) {
  Request request;
  request.headers.push_back({.name = "authorization", .value = value});
  return request;
}

}  // namespace

TEST_CASE("who shows the key is admitted", "[api_key]") {
  const ApiKey key{"open sesame"};
  CHECK(key.admits(with_header("Bearer open sesame")));
  CHECK(key.admits(with_header("bearer  open sesame")));
}

TEST_CASE("who shows another key, or none, is not", "[api_key]") {
  const ApiKey key{"secret"};
  CHECK_FALSE(key.admits(Request{}));
  for (const auto* value : {"", "Bearer", "Bearer ", "Bearer secre", "Bearer secretsecret",
                            "Bearer secret ", "Bearer SECRET", "Basic secret", "secret"}) {
    INFO(value);
    CHECK_FALSE(key.admits(with_header(value)));
  }
}

TEST_CASE("without a key everybody is admitted", "[api_key]") {
  CHECK(ApiKey{""}.admits(Request{}));
  CHECK(ApiKey{""}.admits(with_header("Bearer whatever")));
}

TEST_CASE("a browser's request tells whose page it comes from", "[api_key]") {
  const auto from = [](const std::string& origin) {
    Request request;
    request.headers.push_back({.name = "host", .value = "tv.lan:8000"});
    if (!origin.empty()) request.headers.push_back({.name = "origin", .value = origin});
    return ace::http::is_from_foreign_page(request);
  };
  CHECK_FALSE(from(""));
  CHECK_FALSE(from("http://tv.lan:8000"));
  CHECK(from("http://tv.lan"));
  CHECK(from("https://evil.example"));
  CHECK(from("null"));
}

TEST_CASE("what a browser says of the page counts also where it names no origin", "[api_key]") {
  const auto from = [](const std::string& site) {
    Request request;
    request.headers.push_back({.name = "sec-fetch-site", .value = site});
    return ace::http::is_from_foreign_page(request);
  };
  CHECK_FALSE(from("same-origin"));
  CHECK_FALSE(from("none"));
  CHECK(from("cross-site"));
  CHECK(from("same-site"));
}
