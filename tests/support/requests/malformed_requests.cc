#include "tests/support/requests/malformed_requests.h"

#include <iterator>

namespace ace::test {
namespace {

std::string get_line() { return "GET " + std::string{kWantedTarget} + " HTTP/1.1\r\n"; }

std::string with_headers(const std::string& lines) {
  return get_line() + "Host: proxy\r\n" + lines + "\r\n";
}

std::string many_headers(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += "X-" + std::to_string(i) + ": y\r\n";
  return lines;
}

}  // namespace

std::vector<std::string> odd_request_lines() {
  std::vector<std::string> all;
  for (const std::string method :
       {"DELETE",        "GET",       "HEAD",      "POST",        "PUT",      "CONNECT",
        "OPTIONS",       "TRACE",     "COPY",      "LOCK",        "MKCOL",    "MOVE",
        "PROPFIND",      "PROPPATCH", "SEARCH",    "UNLOCK",      "BIND",     "REBIND",
        "UNBIND",        "ACL",       "REPORT",    "MKACTIVITY",  "CHECKOUT", "MERGE",
        "M-SEARCH",      "NOTIFY",    "SUBSCRIBE", "UNSUBSCRIBE", "PATCH",    "PURGE",
        "MKCALENDAR",    "LINK",      "UNLINK",    "SOURCE",      "PRI",      "DESCRIBE",
        "ANNOUNCE",      "SETUP",     "PLAY",      "PAUSE",       "TEARDOWN", "GET_PARAMETER",
        "SET_PARAMETER", "REDIRECT",  "RECORD",    "FLUSH"}) {
    for (const std::string target : {"/x", "*", "proxy:80", "http://proxy/x"}) {
      for (const std::string version :
           {"HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "RTSP/1.0", "ICE/1.0"}) {
        const auto line = method + ' ' + target + ' ' + version + "\r\n";
        all.push_back(line + "\r\n");
        all.push_back(line + "Host: proxy\r\nConnection: close\r\n\r\n");
      }
    }
  }
  return all;
}

std::string wellformed_request() { return with_headers("Connection: close\r\n"); }

std::vector<MalformedRequest> oversized_requests() {
  const std::string target{kWantedTarget};
  return {
      {"a url of 64 KiB", "GET " + target + "&x=" + std::string(65'536, 'a') + " HTTP/1.1\r\n",
       414},
      {"a url of 64 KiB without an end", "GET /" + std::string(65'536, 'a'), 414},
      {"a method of 9 KB", std::string(9'000, 'A') + " / HTTP/1.1\r\n", 414},
      {"a version of 9 KB", "GET / HTTP/1." + std::string(9'000, '1') + "\r\n", 414},
      {"a header of 100 KB", with_headers("X: " + std::string(100'000, 'a') + "\r\n"), 431},
      {"a header of 100 KB without an end",
       get_line() + "Host: proxy\r\nX: " + std::string(100'000, 'a'), 431},
      {"a header's name of 40 KB", with_headers(std::string(40'000, 'a') + ": x\r\n"), 431},
      {"a host of 40 KB", get_line() + "Host: " + std::string(40'000, 'h') + "\r\n\r\n", 431},
      {"a cookie of 40 KB", with_headers("Cookie: " + std::string(40'000, 'c') + "\r\n"), 431},
      {"10 000 headers", with_headers(many_headers(10'000)), 431},
      {"more white space than a header may have",
       with_headers("X:" + std::string(40'000, ' ') + "y\r\n"), 431},
  };
}

std::vector<MalformedRequest> malformed_requests() {
  std::vector<MalformedRequest> all;
  for (auto kind :
       {malformed_lines(), malformed_targets(), malformed_headers(), malformed_hosts(),
        malformed_lengths(), malformed_codings(), malformed_chunks(), oversized_requests()}) {
    std::move(kind.begin(), kind.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace ace::test
