// What stands before a body: the request line, its target, header lines, Host.

#include "tests/support/requests/malformed_requests.h"

namespace ace::test {
namespace {

using namespace std::string_literals;

const std::string kTarget{kWantedTarget};
const std::string kHost = "Host: proxy\r\n";

/// A request with this line, its end included, and all else right.
std::string of_line(const std::string& line) { return line + kHost + "\r\n"; }

std::string of_target(const std::string& target) {
  return of_line("GET " + target + " HTTP/1.1\r\nConnection: close\r\n");
}

std::string of_version(const std::string& version) {
  return of_line("GET " + kTarget + " " + version + "\r\n");
}

/// A request with these header lines behind Host.
std::string of_headers(const std::string& lines) {
  return "GET " + kTarget + " HTTP/1.1\r\n" + kHost + lines + "\r\n";
}

std::string of_host_lines(const std::string& lines) {
  return "GET " + kTarget + " HTTP/1.1\r\n" + lines + "\r\n";
}

std::string of_host(const std::string& host) { return of_host_lines("Host: " + host + "\r\n"); }

}  // namespace

std::vector<MalformedRequest> malformed_lines() {
  const auto get = "GET " + kTarget;
  return {
      {"a method in lower case", of_line("get " + kTarget + " HTTP/1.1\r\n"), 501},
      {"a method nobody knows", of_line("BREW " + kTarget + " HTTP/1.1\r\n"), 501},
      {"no method", of_line(" " + kTarget + " HTTP/1.1\r\n"), 400},
      {"a method with a separator", of_line("GE(T " + kTarget + " HTTP/1.1\r\n"), 400},
      {"a method with a control byte", of_line("GE\x01T " + kTarget + " HTTP/1.1\r\n"), 400},
      {"a tab behind the method", of_line("GET\t" + kTarget + " HTTP/1.1\r\n"), 400},
      {"a tab behind the target", of_line(get + "\tHTTP/1.1\r\n"), 400},
      {"two spaces behind the method", of_line("GET  " + kTarget + " HTTP/1.1\r\n"), 400},
      {"two spaces behind the target", of_line(get + "  HTTP/1.1\r\n"), 400},
      {"a space behind the version", of_line(get + " HTTP/1.1 \r\n"), 400},
      {"a word behind the version", of_line(get + " HTTP/1.1 x\r\n"), 400},
      {"version 2.0", of_version("HTTP/2.0"), 505},
      {"version 9.9", of_version("HTTP/9.9"), 505},
      {"version 0.9", of_version("HTTP/0.9"), 505},
      {"version 1.2", of_version("HTTP/1.2"), 505},
      {"version 1.10", of_version("HTTP/1.10"), 400},
      {"version 1", of_version("HTTP/1"), 400},
      {"version 01.1", of_version("HTTP/01.1"), 400},
      {"version 1.", of_version("HTTP/1."), 400},
      {"version -1.1", of_version("HTTP/-1.1"), 400},
      {"a comma in the version", of_version("HTTP/1,1"), 400},
      {"the version in lower case", of_version("http/1.1"), 400},
      {"another protocol", of_version("RTSP/1.0"), 400},
      {"no protocol's name", of_version("/1.1"), 400},
      {"no version, as HTTP/0.9 had it", get + "\r\n", 400},
      {"nothing but a method", "GET\r\n\r\n", 400},
      {"nothing but words", "hello proxy\r\n\r\n", 400},
      {"bare LF behind the line", of_line(get + " HTTP/1.1\n"), 400},
      {"bare LF everywhere", get + " HTTP/1.1\nHost: proxy\n\n", 400},
      {"bare CR behind the line", get + " HTTP/1.1\rHost: proxy\r\n\r\n", 400},
      {"CR CR LF behind the line", of_line(get + " HTTP/1.1\r\r\n"), 400},
      {"a NUL before the line", of_line("\0"s + get + " HTTP/1.1\r\n"), 400},
      {"a NUL in the version", of_line(get + " HTTP/1.1\0\r\n"s), 400},
      {"a byte order mark before the line", of_line("\xef\xbb\xbf" + get + " HTTP/1.1\r\n"), 400},
      {"the greeting of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"a greeting of TLS", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"s + std::string(160, 'x'),
       400},
      {"a PROXY line", "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + of_line(get + " HTTP/1.1\r\n"),
       400},
      {"an answer instead of a request", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 400},
      {"a hundred empty lines",
       [] {
         std::string lines;
         for (int i = 0; i < 100; ++i) lines += "\r\n";
         return lines;
       }(),
       400},
  };
}

std::vector<MalformedRequest> malformed_targets() {
  return {
      {"no target", "GET  HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"a target without a slash", of_target("ace/getstream"), 400},
      {"* for GET", of_target("*"), 400},
      {"a host and port as for CONNECT", of_target("proxy:80"), 400},
      {"a query without a path", of_target("?id=1"), 400},
      {"a backslash for a slash", of_target("\\ace\\getstream"), 400},
      {"a space in the target", of_target(kTarget + "&x=a b"), 400},
      {"a NUL in the target", of_target(kTarget + "&x=\0"s), 400},
      {"a tab in the target", of_target(kTarget + "&x=\t"), 400},
      {"a vertical tab in the target", of_target(kTarget + "&x=\v"), 400},
      {"a bare CR in the target", of_target(kTarget + "&x=\ry"), 400},
      {"a control byte in the target", of_target(kTarget + "&x=\x1f"), 400},
      {"DEL in the target", of_target(kTarget + "&x=\x7f"), 400},
      {"a raw UTF-8 letter in the target", of_target(kTarget + "&x=\xc3\xa9"), 400},
      {"a raw high byte in the target", of_target(kTarget + "&x=\xff"), 400},
      {"a fragment", of_target(kTarget + "#part"), 400},
      {"an escaped NUL in the path", of_target("/ace/getstream%00?id=1"), 400},
      {"an escaped NUL in the query", of_target(kTarget + "&x=%00"), 400},
      {"half an escape", of_target("/ace/getstream%2?id=1"), 400},
      {"an escape at the very end", of_target("/ace/getstream%"), 400},
      {"an escape that is not hex", of_target("/ace/getstream%zz?id=1"), 400},
      {"an escape of a unicode letter", of_target("/ace/%u0067etstream"), 400},
      {"an escape that is not hex, in the query", of_target(kTarget + "&x=%g0"), 400},
      {"above the root", of_target("/../etc/passwd"), 400},
      {"above the root by escapes", of_target("/%2e%2e/%2e%2e/etc/passwd"), 400},
      {"above the root by an escaped slash", of_target("/ace%2f..%2f..%2fetc/passwd"), 400},
      {"up and down again", of_target("/ace/../ace/getstream?id=1"), 400},
      {"an empty segment", of_target("//ace/getstream?id=1"), 404},
      {"above the root from below", of_target("/ace/../../getstream"), 400},
      {"another scheme", of_target("ftp://proxy" + kTarget), 400},
      {"a scheme without slashes", of_target("http:" + kTarget), 400},
      {"a scheme and no host", of_target("http://" + kTarget), 400},
      {"a user in the target's host", of_target("http://user:word@proxy" + kTarget), 400},
      {"a comma in the target's host", of_target("http://proxy,other" + kTarget), 400},
      {"a semicolon in the target's host", of_target("http://proxy;80" + kTarget), 400},
      {"an underscore in the target's host", of_target("http://my_proxy" + kTarget), 400},
      {"a port that is none", of_target("http://proxy:x" + kTarget), 400},
      {"a port beyond all", of_target("http://proxy:99999" + kTarget), 400},
      {"a host of two words", of_target("http://pro xy" + kTarget), 400},
      {"an open bracket in the target's host", of_target("http://[::1" + kTarget), 400},
  };
}

std::vector<MalformedRequest> malformed_headers() {
  return {
      {"a space before the colon", of_headers("X-A : b\r\n"), 400},
      {"a tab before the colon", of_headers("X-A\t: b\r\n"), 400},
      {"a tab before Host's value", of_host_lines("Host:\tproxy\r\n"), 400},
      {"a tab behind Host's value", of_host_lines("Host: proxy\t\r\n"), 400},
      {"no colon", of_headers("X-A\r\n"), 400},
      {"no name", of_headers(": b\r\n"), 400},
      {"a separator in a name", of_headers("X(A): b\r\n"), 400},
      {"a space in a name", of_headers("X A: b\r\n"), 400},
      {"a NUL in a name", of_headers("X\0A: b\r\n"s), 400},
      {"a control byte in a name", of_headers("X\x01: b\r\n"), 400},
      {"a letter beyond ASCII in a name", of_headers("X-\xc3\xa9: b\r\n"), 400},
      {"a NUL in a value", of_headers("X-A: b\0c\r\n"s), 400},
      {"a control byte in a value", of_headers("X-A: b\x08\r\n"), 400},
      {"DEL in a value", of_headers("X-A: b\x7f\r\n"), 400},
      {"a bare CR in a value", of_headers("X-A: b\rc\r\n"), 400},
      {"a header behind a bare CR", of_headers("X-A: b\rContent-Length: 5\r\n"), 400},
      {"a bare LF behind a value", of_headers("X-A: b\nX-B: c\r\n"), 400},
      {"CR CR LF behind a value", of_headers("X-A: b\r\r\n"), 400},
      {"a folded value", of_headers("X-A: b\r\n c\r\n"), 400},
      {"a value folded by a tab", of_headers("X-A: b\r\n\tc\r\n"), 400},
      {"a folded length", of_headers("Content-Length:\r\n 5\r\n"), 400},
      {"white space before the first header", of_host_lines(" Host: proxy\r\n"), 400},
      {"a line of white space before the first header", of_host_lines(" \r\n" + kHost), 400},
      {"a line of white space behind the headers", of_headers(" \r\n"), 400},
      {"the head's end by bare LF", "GET " + kTarget + " HTTP/1.1\r\n" + kHost + "\n", 400},
      {"the head's end by bare CR", "GET " + kTarget + " HTTP/1.1\r\n" + kHost + "\rx\r\n", 400},
  };
}

std::vector<MalformedRequest> malformed_hosts() {
  return {
      {"no Host", of_host_lines(""), 400},
      {"an empty Host", of_host(""), 400},
      {"two Hosts", of_host_lines(kHost + kHost), 400},
      {"two Hosts that differ", of_host_lines(kHost + "Host: other\r\n"), 400},
      {"two Hosts in another case", of_host_lines(kHost + "hOST: proxy\r\n"), 400},
      {"two Hosts in one", of_host("proxy, other"), 400},
      {"a Host of two words", of_host("pro xy"), 400},
      {"a dot for a Host", of_host("."), 400},
      {"two dots in Host", of_host("proxy..lan"), 400},
      {"a path in Host", of_host("proxy/ace"), 400},
      {"a user in Host", of_host("user@proxy"), 400},
      {"a port in Host that is none", of_host("proxy:http"), 400},
      {"an empty port in Host", of_host("proxy:"), 400},
      {"two ports in Host", of_host("proxy:80:80"), 400},
      {"a port in Host beyond all", of_host("proxy:65536"), 400},
      {"an open bracket in Host", of_host("[::1"), 400},
      {"empty brackets in Host", of_host("[]"), 400},
      {"a NUL in Host", of_host("pro\0xy"s), 400},
      {"a raw byte in Host", of_host("pr\xc3\xb6xy"), 400},
      {"markup in Host", of_host("<script>"), 400},
      {"an absolute target and no Host", "GET http://proxy" + kTarget + " HTTP/1.1\r\n\r\n", 400},
  };
}

}  // namespace ace::test
