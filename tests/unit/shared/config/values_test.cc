#include <catch2/catch.hpp>

#include "shared/config/address.h"
#include "shared/config/config_file.h"
#include "shared/config/value.h"

using namespace ace::config;
using namespace std::chrono_literals;

TEST_CASE("durations are read with and without unit", "[config]") {
  CHECK(parse_duration("5") == 5s);
  CHECK(parse_duration("0.5") == 500ms);
  CHECK(parse_duration("5s") == 5s);
  CHECK(parse_duration(" 500ms ") == 500ms);
  CHECK(parse_duration("2m") == 2min);
  CHECK(parse_duration("1 h") == 1h);
}

TEST_CASE("what is no duration is refused", "[config]") {
  for (const auto* text :
       {"", "s", "-5", "5 parsecs", "1.s", "0x10", "99999999999999999999", "5s5", "1e3", "nan"}) {
    INFO(text);
    CHECK_FALSE(parse_duration(text));
  }
}

TEST_CASE("every printed duration reads back as itself", "[config]") {
  for (const auto value :
       {0ms, 1ms, 100ms, 1500ms, 5000ms, 60000ms, 120000ms, 90000ms, 3600000ms}) {
    CHECK(parse_duration(format_duration(value)) == value);
  }
  CHECK(format_duration(60s) == "60s");
  CHECK(format_duration(2min) == "2m");
}

TEST_CASE("sizes are powers of 1024 or plain bytes", "[config]") {
  CHECK(parse_size("320KiB") == 327'680U);
  CHECK(parse_size("128MiB") == 134'217'728U);
  CHECK(parse_size("1g") == 1'073'741'824U);
  CHECK(parse_size("188") == 188U);
  CHECK(parse_size("0.5KiB") == 512U);
  CHECK_FALSE(parse_size("12 bananas"));
  CHECK_FALSE(parse_size("-1"));
  CHECK(format_size(327'680U) == "320KiB");
  CHECK(format_size(327'496U) == "327496");
}

TEST_CASE("listen addresses of every kind are understood", "[config]") {
  CHECK(parse_listen_address("0.0.0.0:8000")->text() == "0.0.0.0:8000");
  CHECK_FALSE(parse_listen_address("0.0.0.0:8000")->is_every());
  CHECK(parse_listen_address("8000")->is_every());
  CHECK(parse_listen_address("[::]:8000")->host == "::");
  CHECK(parse_listen_address("[::1]:0")->text() == "[::1]:0");
  CHECK(parse_listen_address(":8000")->text() == ":8000");
  CHECK(parse_listen_address("8000")->text() == ":8000");
  CHECK(parse_listen_address("unix:/run/a.sock")->unix_path == "/run/a.sock");
}

TEST_CASE("a wrong listen address says what is wrong with it", "[config]") {
  for (const auto* text :
       {"host", "1.2.3.4:70000", "::1:8000", "unix:", "a b:80", "host:", "h:-1"}) {
    INFO(text);
    CHECK_FALSE(parse_listen_address(text));
  }
  CHECK(parse_listen_address("::1:8000").error().text.find("brackets") != std::string::npos);
}

TEST_CASE("an engine carries its name, its forwarding and its limit", "[config]") {
  const auto engine = parse_engine_address("10.0.0.7:6878;name=attic;forwarded;max_streams=4");
  REQUIRE(engine);
  CHECK(engine->host == "10.0.0.7");
  CHECK(engine->port == 6878);
  CHECK(engine->name == "attic");
  CHECK(engine->forwarded);
  CHECK(engine->max_streams == 4);
  CHECK(parse_engine_address(engine->text()) == *engine);
}

TEST_CASE("two engines of one name are refused", "[config]") {
  CHECK_FALSE(parse_engine_list("a:1,a:1"));
  CHECK_FALSE(parse_engine_list("a:1;name=x,b:1;name=x"));
  CHECK(parse_engine_list("a:1,a:2").has_value());
}

TEST_CASE("an engine behind a name has no name of its own", "[config]") {
  const auto engines = parse_engine_address("dns://engines:6878;forwarded;max_streams=2");
  REQUIRE(engines);
  CHECK(engines->is_dns);
  CHECK(engines->host == "engines");
  CHECK(engines->port == 6878);
  CHECK(parse_engine_address(engines->text()) == *engines);
  CHECK_FALSE(parse_engine_address("engines:6878")->is_dns);
  CHECK_FALSE(parse_engine_address("dns://engines:6878;name=all"));
  CHECK_FALSE(parse_engine_address("dns://engines"));
  CHECK_FALSE(parse_engine_address("http://engines:6878"));
}

TEST_CASE("an engine without port or with an unknown option is refused", "[config]") {
  for (const auto* text : {"engine", ":6878", "e:0", "e:1;colour=red", "e:1;max_streams=x",
                           "e:1;name=", "http://e:1/"}) {
    INFO(text);
    CHECK_FALSE(parse_engine_address(text));
  }
}

TEST_CASE("lists skip empty items and keep their order", "[config]") {
  const auto engines = parse_engine_list("a:1, b:2;forwarded,,c:3,");
  REQUIRE(engines);
  REQUIRE(engines->size() == 3);
  CHECK((*engines)[1].forwarded);
  CHECK((*engines)[2].host == "c");
}

TEST_CASE("the nearest name is found, a far one is not", "[config]") {
  const std::vector<std::string> names{"--workers", "--listen", "--proxy-lease"};
  CHECK(nearest("--workrs", names) == "--workers");
  CHECK(nearest("--lisetn", names) == "--listen");
  CHECK_FALSE(nearest("--frobnicate", names));
}

namespace {
std::string value_of(const std::string& text) {
  const auto read = parse_config_text(text);
  REQUIRE(read);
  REQUIRE(read->size() == 1);
  return read->front().value;
}
}  // namespace

TEST_CASE("a config file reads as TOML, INI and environment file", "[config]") {
  CHECK(value_of("PROXY_WORKERS = 3\n") == "3");
  CHECK(value_of("PROXY_WORKERS=3 # three\n") == "3");
  CHECK(value_of("# a comment\n; another\n\n[proxy]\nproxy_workers = \"3\"\n") == "3");
  CHECK(value_of("PROXY_LISTEN=[::]:8000\n") == "[::]:8000");
  CHECK(value_of("PROXY_LISTEN = [\"a:1\", \"b:2\"]\n") == "a:1,b:2");
  CHECK(value_of("PROXY_LISTEN = [\n  \"a:1\",\n  \"b:2\"\n]\n") == "a:1,b:2");
  CHECK(value_of("ACE_ENGINES=a:1;name=x y,b:2\n") == "a:1;name=x y,b:2");
}

TEST_CASE("a password keeps its hash signs, blanks and commas", "[config]") {
  CHECK(value_of("REDIS_PASSWORD=\"a#b # c,d\"\n") == "a#b # c,d");
  CHECK(value_of("REDIS_PASSWORD=a#b\n") == "a#b");
  CHECK(value_of("REDIS_PASSWORD=a,b c\n") == "a,b c");
  CHECK(value_of("REDIS_PASSWORD=[x\n") == "[x");
}
