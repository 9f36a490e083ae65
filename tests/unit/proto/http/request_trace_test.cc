#include "proto/http/request_trace.h"

#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include "shared/base/secret.h"
#include "shared/base/text.h"

using namespace ace::proto::http;

namespace {

Request with_header(const std::string& name, const std::string& value) {
  Request request;
  request.headers.push_back({.name = name, .value = value});
  return request;
}

}  // namespace

TEST_CASE("a client's own request id is taken if it can do no harm", "[request_trace]") {
  const auto shown = [](const std::string& id) -> std::optional<std::string> {
    const auto request = with_header("x-request-id", id);
    const auto taken = shown_request_id(request);
    return taken ? std::optional{std::string{*taken}} : std::nullopt;
  };
  CHECK(shown("3f1c-a_B.9") == "3f1c-a_B.9");
  CHECK(shown(std::string(64, 'a')));
  for (const auto& id : {std::string{}, std::string(65, 'a'), std::string{"a b"},
                         std::string{"a\"b"}, std::string{"a=b"}, std::string{"a\x7f"},
                         std::string{"ü"}, std::string{"a,b"}, std::string{"<a>"}}) {
    INFO(id);
    CHECK_FALSE(shown(id));
  }
  CHECK_FALSE(shown_request_id(Request{}));
}

TEST_CASE("no token is told, however its name is written", "[request_trace]") {
  CHECK(without_tokens("/ace/getstream?id=1&token=secret") == "/ace/getstream?id=1&token=***");
  CHECK(without_tokens("/a?token=secret&id=1&token=two") == "/a?token=***&id=1&token=***");
  CHECK(without_tokens("/a?%74oken=secret") == "/a?%74oken=***");
  CHECK(without_tokens("/a?%74%6f%6b%65%6E=secret#x") == "/a?%74%6f%6b%65%6E=***");
  CHECK(without_tokens("http://h/a?token=") == "http://h/a?token=***");
  CHECK(without_tokens("/a?id=1;token=secret") == "/a?id=1;token=***");
  CHECK(without_tokens("/a;token=secret?id=1?token=two") == "/a;token=***?id=1?token=***");
  CHECK(without_tokens("/a?TOKEN=secret&Key=x&api_key=y") == "/a?TOKEN=***&Key=***&api_key=***");
  for (const auto* url :
       {"/a", "/a?", "/a?token", "/a?id=1&&x", "/a?mytoken=1", "/token=1", "", "/a?tok%zzen=1"}) {
    CHECK(without_tokens(url) == url);
  }
}

TEST_CASE("what is kept of a request holds no secret, is text and has a bound", "[request_trace]") {
  ace::hide_secrets({"4fJq2xTz"});
  auto request = with_header("referer", "http://list/?u=http%3A%2F%2Fx%3Fpass%3D%34fJq2xTz");
  request.headers.push_back(
      {.name = "user-agent", .value = "p/4fJq2xTz \xff" + std::string(253, 'x') + "ü"});
  request.method_name = "GET";
  request.target = *Target::parse("/ace/4fJq2xTz?tok=4fJq2xTz&x=" + std::string(4000, 'x'));
  const auto trace = trace_of(request);
  CHECK(trace.referer == "http://list/?u=http%3A%2F%2Fx%3Fpass%3D***");
  CHECK_THAT(trace.line, Catch::StartsWith("GET /ace/***?tok=***&x=xxx"));
  CHECK(trace.line.size() < 1100);
  const auto agent = agent_of(request);
  CHECK_THAT(agent, Catch::StartsWith("p/*** \xef\xbf\xbdxxx"));
  CHECK(agent.size() <= 256);
  CHECK(ace::is_utf8(agent));
  ace::hide_secrets({});
}

TEST_CASE("a trace tells what was asked and where from", "[request_trace]") {
  auto request = with_header("referer", "http://list/x?token=secret");
  request.id = "id-1";
  request.method_name = "GET";
  request.target = *Target::parse("/ace/getstream?id=1&token=secret");
  const auto trace = trace_of(request);
  CHECK(trace.id == "id-1");
  CHECK(trace.user.empty());
  CHECK(trace.line == "GET /ace/getstream?id=1&token=*** HTTP/1.1");
  CHECK(trace.referer == "http://list/x?token=***");
  request.version = Version::Http10;
  CHECK_THAT(trace_of(request).line, Catch::EndsWith(" HTTP/1.0"));
}
