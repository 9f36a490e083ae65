// The request parser beside nginx: nothing that nginx refuses may pass here.

#include <random>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "proto/http/request_parser.h"
#include "tests/support/process/nginx_process.h"
#include "tests/support/requests/malformed_requests.h"

using namespace ace::test;
using namespace std::string_literals;
using ace::proto::http::Parse;
using ace::proto::http::RequestParser;

namespace {

/// Bytes with a meaning in HTTP, and some without any.
const std::string kBytes =
    "\0\x01\t\n\v\r\x1f !\"#%()+,-./0:;<=>?@[\\]^_`{|}~\x7f\x80\xc3\xff"s + "aH5";

/// Well-formed ones, each with parts that the others lack.
std::vector<std::string> models() {
  const std::string target{kWantedTarget};
  return {
      "GET " + target + " HTTP/1.1\r\nHost: proxy:80\r\nRange: bytes=0-\r\n\r\n",
      "GET http://proxy:80/a%20b?c=d HTTP/1.0\r\nHost: [::1]:80\r\nA: b\r\n\r\n",
      "POST /a HTTP/1.1\r\nHost: p\r\nContent-Length: 5\r\n\r\nhello",
      "POST /a HTTP/1.1\r\nHost: p\r\nTransfer-Encoding: "
      "chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n",
  };
}

/// The model with one byte too many, one too few, one in another's place.
std::set<std::string> mutants_of(const std::string& model) {
  std::set<std::string> mutants;
  for (std::size_t at = 0; at < model.size(); ++at) {
    mutants.insert(std::string{model}.erase(at, 1));
    for (const char byte : kBytes) {
      mutants.insert(std::string{model}.insert(at, 1, byte));
      mutants.insert(std::string{model}.replace(at, 1, 1, byte));
    }
  }
  return mutants;
}

bool passes(const std::string& bytes) {
  RequestParser parser;
  return parser.feed(ace::as_bytes(bytes)).outcome == Parse::Complete;
}

/// The model with some pieces in places where they do not belong.
std::string garbled(std::string model, std::minstd_rand& random) {
  static const std::vector<std::string> kPieces{"\r\n",
                                                "\n",
                                                "\r",
                                                " ",
                                                "\t",
                                                "\0"s,
                                                ":",
                                                ",",
                                                "\r\n ",
                                                "\r\n\r\n",
                                                "Host: x\r\n",
                                                "Content-Length: 5\r\n",
                                                "Content-Length: 0\r\n",
                                                "Transfer-Encoding: chunked\r\n",
                                                "Connection: close\r\n",
                                                "Expect: 100-continue\r\n",
                                                "HTTP/1.1",
                                                "HTTP/1.0",
                                                "//",
                                                "/..",
                                                "/.",
                                                "%2e%2e",
                                                "%2f",
                                                "%00",
                                                "%",
                                                "..",
                                                "#",
                                                "?",
                                                "http://",
                                                "5\r\n",
                                                "0\r\n",
                                                ";"};
  for (auto count = 1 + random() % 3; count > 0; --count) {
    model.insert(random() % model.size(), kPieces[random() % kPieces.size()]);
  }
  return model;
}

}  // namespace

TEST_CASE("no byte out of place passes here that nginx refuses", "[strictness]") {
  const NginxProcess nginx;
  std::size_t refused_by_both = 0;
  for (const auto& model : models()) {
    REQUIRE(passes(model));
    REQUIRE_FALSE(nginx.refuses(model));
    for (const auto& mutant : mutants_of(model)) {
      if (!passes(mutant)) {
        ++refused_by_both;
        continue;
      }
      INFO(mutant);
      CHECK_FALSE(nginx.refuses(mutant));
    }
  }
  CHECK(refused_by_both > 1'000);
}

TEST_CASE("no piece out of place passes here that nginx refuses", "[strictness]") {
  const NginxProcess nginx;
  std::minstd_rand random{7};
  std::size_t passed = 0;
  for (int i = 0; i < 6'000; ++i) {
    for (const auto& model : models()) {
      const auto request = garbled(model, random);
      if (!passes(request)) continue;
      ++passed;
      INFO(request);
      CHECK_FALSE(nginx.refuses(request));
    }
  }
  CHECK(passed > 1'000);
}
