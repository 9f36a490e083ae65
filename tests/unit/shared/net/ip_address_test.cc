#include "shared/net/ip_address.h"

#include <catch2/catch.hpp>

using ace::net::IpAddress;

namespace {

std::string read(std::string_view text) {
  const auto address = IpAddress::parse(text);
  return address ? address->text() : "nothing";
}

std::string read_host_port(std::string_view text) {
  const auto address = IpAddress::parse_host_port(text);
  return address ? address->text() : "nothing";
}

}  // namespace

TEST_CASE("an address is read in its one form", "[ip]") {
  CHECK(read("192.0.2.7") == "192.0.2.7");
  CHECK(read("0.0.0.0") == "0.0.0.0");
  CHECK(read("2001:db8::1") == "2001:db8::1");
  CHECK(read("2001:0DB8:0:0:0:0:0:1") == "2001:db8::1");
  CHECK(read("::") == "::");
}

TEST_CASE("an IPv4 address in IPv6 clothes is the IPv4 address", "[ip]") {
  CHECK(read("::ffff:192.0.2.7") == "192.0.2.7");
  CHECK(read("::ffff:c000:207") == "192.0.2.7");
  CHECK(IpAddress::parse("::ffff:192.0.2.7") == IpAddress::parse("192.0.2.7"));
  CHECK(IpAddress::parse("::192.0.2.7") != IpAddress::parse("192.0.2.7"));  // not mapped
}

TEST_CASE("what is no address is none", "[ip]") {
  for (const std::string_view text :
       {"",
        " ",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "0x1.2.3.4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.4/8",
        "[::1]",
        "::1%lo",
        ":::",
        "1::2::3",
        "g::",
        "localhost",
        "1.2.3.4:80",
        "12345::",
        "unix",
        "2130706433",
        "::ffff:1.2.3.999",
        "1.2.3.4,5.6.7.8",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    INFO(text);
    CHECK(read(text) == "nothing");
  }
  CHECK(read(std::string_view{"1.2.3.4\0.5", 10}) == "nothing");
}

TEST_CASE("a port and brackets around an address are put aside", "[ip]") {
  CHECK(read_host_port("192.0.2.7") == "192.0.2.7");
  CHECK(read_host_port("192.0.2.7:8080") == "192.0.2.7");
  CHECK(read_host_port("2001:db8::1") == "2001:db8::1");
  CHECK(read_host_port("[2001:db8::1]") == "2001:db8::1");
  CHECK(read_host_port("[2001:db8::1]:443") == "2001:db8::1");
  CHECK(read_host_port("[::ffff:192.0.2.7]:443") == "192.0.2.7");
  for (const auto* text : {"", "unix", "unknown", "_hidden", "192.0.2.7:", "192.0.2.7:x",
                           "192.0.2.7:99999", "[192.0.2.7]", "[2001:db8::1", "[2001:db8::1]x",
                           "[2001:db8::1]:", "2001:db8::1]:5", "[]", ":80", "host:80"}) {
    INFO(text);
    CHECK(read_host_port(text) == "nothing");
  }
}

TEST_CASE("a prefix counts bits, of one family", "[ip]") {
  const auto address = [](std::string_view text) { return *IpAddress::parse(text); };
  CHECK(address("10.1.2.3").shares_prefix(address("10.1.2.4"), 29));
  CHECK_FALSE(address("10.1.2.3").shares_prefix(address("10.1.2.4"), 30));
  CHECK(address("10.1.2.3").shares_prefix(address("200.1.2.4"), 0));
  CHECK_FALSE(address("10.1.2.3").shares_prefix(address("::"), 0));
  CHECK(address("2001:db8::1").shares_prefix(address("2001:db8:ffff::"), 32));
  CHECK_FALSE(address("2001:db8::1").shares_prefix(address("2001:db9::1"), 32));
  CHECK_FALSE(address("2001:db8::1").shares_prefix(address("2001:db8::2"), 128));
  for (unsigned prefix = 0; prefix <= 32; ++prefix) {
    INFO(prefix);
    const auto ones = address("255.255.255.255");
    CHECK(ones.masked(prefix).shares_prefix(ones, prefix));
    CHECK(ones.masked(prefix).masked(prefix) == ones.masked(prefix));
    if (prefix < 32) CHECK_FALSE(ones.masked(prefix).shares_prefix(ones, prefix + 1));
  }
}
