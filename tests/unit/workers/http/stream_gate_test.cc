#include "workers/http/stream_gate.h"

#include <catch2/catch.hpp>

using ace::config::StreamToken;
using ace::http::StreamGate;
using ace::net::IpSet;
using ace::proto::http::Request;
using ace::proto::http::Target;

namespace {

const std::vector<StreamToken> kTokens{{.name = "tv", .token = "sesame-open"},
                                       {.name = "kids", .token = "0123456789"}};

/// The name, or the code of the denial in brackets.
std::string outcome(const StreamGate& gate, std::string_view target, std::string_view client) {
  Request request;
  request.target = *Target::parse(target);
  const auto admitted = gate.admit(request, client);
  return admitted ? *admitted : "[" + std::string{admitted.error().code} + "]";
}

}  // namespace

TEST_CASE("a gate that asks for nothing lets everybody in", "[stream_gate]") {
  const StreamGate gate{{}, {}};
  CHECK(outcome(gate, "/ace/getstream?id=1", "203.0.113.9:5").empty());
  CHECK(outcome(gate, "/ace/getstream?id=1&token=x", "unix").empty());
}

TEST_CASE("streams are for addresses that are allowed", "[stream_gate]") {
  const StreamGate gate{*IpSet::parse("192.168.0.0/16,2001:db8::/32"), {}};
  CHECK(outcome(gate, "/", "192.168.7.1:5000").empty());
  CHECK(outcome(gate, "/", "[::ffff:192.168.7.1]:5000").empty());
  CHECK(outcome(gate, "/", "192.168.7.1").empty());
  CHECK(outcome(gate, "/", "[2001:db8::1]:5000").empty());
  for (const auto* client : {"203.0.113.9:5000", "[2001:db9::1]:1", "unix", ""}) {
    CHECK(outcome(gate, "/", client) == "[not_allowed]");
  }
}

TEST_CASE("streams are for playlists whose token is right", "[stream_gate]") {
  const StreamGate gate{{}, kTokens};
  CHECK(outcome(gate, "/a?id=1&token=sesame-open", "unix") == "tv");
  CHECK(outcome(gate, "/a?token=0123456789", "unix") == "kids");
  for (const auto* target :
       {"/a", "/a?token", "/a?token=", "/a?token=sesame-ope", "/a?token=sesame-open2",
        "/a?token=Sesame-open", "/a?token=tv", "/a?token=x&token=sesame-open",
        "/a?Token=sesame-open", "/a?token=sesame-opensesame-open"}) {
    INFO(target);
    CHECK(outcome(gate, target, "unix") == "[bad_token]");
  }
}

TEST_CASE("a token does not stand in for an address", "[stream_gate]") {
  const StreamGate gate{*IpSet::parse("127.0.0.1"), kTokens};
  CHECK(outcome(gate, "/a?token=sesame-open", "203.0.113.9:5") == "[not_allowed]");
  CHECK(outcome(gate, "/a?token=wrong-one", "127.0.0.1:5") == "[bad_token]");
  CHECK(outcome(gate, "/a?token=sesame-open", "127.0.0.1:5") == "tv");
}
