#include "shared/base/secret.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

using ace::hide_secrets;
using ace::without_secrets;

namespace {

/// While it lives, these are the secrets.
class Hidden {
 public:
  explicit Hidden(const std::vector<std::string>& secrets) { hide_secrets(secrets); }
  ~Hidden() { hide_secrets({}); }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;
};

}  // namespace

TEST_CASE("a secret is hidden wherever it stands", "[secret]") {
  const Hidden hidden{{"4fJq2xTz", "open sesame+%", ""}};
  CHECK(without_secrets("a=4fJq2xTz b") == "a=*** b");
  CHECK(without_secrets("x4fJq2xTz4fJq2xTzy") == "x******y");
  CHECK(without_secrets("4fJq2xT") == "4fJq2xT");
  CHECK(without_secrets("4FJQ2XTZ") == "4FJQ2XTZ");
  CHECK(without_secrets("key open sesame+%.") == "key ***.");
  CHECK(without_secrets("").empty());
}

TEST_CASE("a secret is hidden in the forms that urls and log lines write", "[secret]") {
  const Hidden hidden{{"4fJq2xTz", "say \"a\\b\" loud"}};
  CHECK(without_secrets("?t=%34fJq2x%54z&x") == "?t=***&x");
  CHECK(without_secrets("?t=%34%66%4a%71%32%78%54%7A") == "?t=***");
  CHECK(without_secrets("?t=say+%22a%5cb%22%20loud") == "?t=***");
  CHECK(without_secrets(fmt::format("{:?}", "say \"a\\b\" loud")) == "\"***\"");
  CHECK(without_secrets("?t=%3") == "?t=%3");
  CHECK(without_secrets("4fJq2xT%") == "4fJq2xT%");
}

TEST_CASE("a short secret is hidden where it stands alone", "[secret]") {
  const Hidden hidden{{"redis", "key"}};
  CHECK(without_secrets("?key=redis&x") == "?key=***&x");
  CHECK(without_secrets("the redis, redis_down rediss") == "the ***, redis_down rediss");
  CHECK(without_secrets("a=\"key\" key=1") == "a=\"***\" key=1");
}

TEST_CASE("of two secrets that begin alike the longer one is hidden", "[secret]") {
  const Hidden hidden{{"secret-word", "secret-word-two"}};
  CHECK(without_secrets("secret-word-two secret-word") == "*** ***");
}
