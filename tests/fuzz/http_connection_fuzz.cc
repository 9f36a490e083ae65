// A whole connection, bytes in and bytes out: whatever comes, in pieces of any size, it answers
// what the parser finds in it, in order, and ends.

#include <string>
#include <utility>
#include <vector>

#include "proto/http/request_parser.h"
#include "shared/base/check.h"
#include "tests/fuzz/cuts.h"
#include "tests/support/connection/connection_bench.h"
#include "tests/support/process/http_reply.h"

namespace {

using ace::as_bytes;
using ace::as_text;
using ace::ByteSpan;
using ace::proto::http::Method;
using ace::proto::http::Parse;
using ace::proto::http::Request;
using ace::proto::http::RequestParser;
using ace::test::ConnectionBench;
using ace::test::HttpReplyParser;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

struct Expected {
  int status{};
  int head_status{};  ///< when the body is refused before it is there; 0: it is not
  bool is_head{};     ///< its answer has no body
  bool is_last{};
};

/// What ConnectionBench says to a request; 0: it waits for the body.
int status_of(const Request& request, bool is_whole) {
  const auto& path = request.path();
  const bool is_read = request.method == Method::Get || request.method == Method::Head;
  const bool is_post = request.method == Method::Post;
  if (path == "*") return 204;
  const bool takes_get = path == "/now" || path == "/later" || path == "/taken" || path == "/large";
  const bool takes_post = path == "/body" || path == "/locked";
  if (!takes_get && !takes_post) return 404;
  if (request.method == Method::Options) return 204;
  if (!(takes_get ? is_read : is_post)) return 405;
  if (path == "/locked") return ConnectionBench::kLocked;
  if (path == "/body") return is_whole ? 201 : 0;
  return 200;
}

/// Byte by byte, for what is known before a body is there.
std::vector<Expected> expected_of(ByteSpan bytes) {
  std::vector<Expected> all;
  RequestParser parser;
  Expected next;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const auto outcome = parser.feed(bytes.subspan(at, 1)).outcome;
    if (outcome == Parse::NeedMore) {
      if (parser.awaits_body()) next.head_status = status_of(parser.request(), false);
      continue;
    }
    next.is_last = true;
    if (outcome == Parse::Refused) {
      next.status = parser.refusal().status;
    } else {
      const auto& request = parser.request();
      next.status = status_of(request, true);
      next.is_head = request.method == Method::Head;
      next.is_last = !request.keep_alive || (request.path() == "/taken" && next.status == 200);
    }
    all.push_back(next);
    if (next.is_last) return all;
    next = {};
    parser.next();
  }
  if (next.head_status != 0) all.push_back({.status = next.head_status, .is_last = true});
  return all;
}

void check_replies(std::string_view text, const std::vector<Expected>& expected) {
  std::size_t count = 0;
  bool has_ended = false;
  while (!text.empty()) {
    if (text.starts_with(kContinue)) {
      text.remove_prefix(kContinue.size());
      continue;
    }
    ACE_CHECK(count < expected.size() && !has_ended, "nothing is answered that was not asked");
    const auto& wanted = expected[count++];
    HttpReplyParser reply{!wanted.is_head};
    const auto used = reply.feed(as_bytes(text), [](ByteSpan) {});
    ACE_CHECK(reply.state() == HttpReplyParser::State::Done, "an answer is whole");
    text.remove_prefix(used);
    const bool is_at_head = wanted.head_status != 0 && reply.status() == wanted.head_status;
    ACE_CHECK(is_at_head || reply.status() == wanted.status, "an answer is that of its request");
    has_ended = wanted.is_last || (is_at_head && reply.headers().find("connection") == "close");
  }
  ACE_CHECK(has_ended || count == expected.size(), "what was asked is answered");
}

template <class Cutter>
void run(ByteSpan bytes, const std::vector<Expected>& expected, Cutter next_piece) {
  ConnectionBench bench;
  std::string text;
  while (!bytes.empty()) {
    bench.send(as_text(next_piece(bytes)));
    text += bench.received();
  }
  bench.end();
  for (int i = 0; i < 10'000 && !bench.is_done(); ++i) {
    bench.run_turns(1);
    text += bench.received();
  }
  ACE_CHECK(bench.is_done(), "a connection ends with its client");
  text += bench.received();
  check_replies(text, expected);
  ACE_CHECK(bench.slot().stranger_bytes == 0, "nothing is held for it any more");
}

/// A client that neither goes on nor leaves.
void run_slowly(ByteSpan bytes) {
  ConnectionBench bench;
  bench.send(as_text(bytes));
  for (int i = 0; i < 10'000 && !bench.is_done(); ++i) {
    bench.run_turns(1);
    (void)bench.received();
    if (i > 300) bench.timers().advance(std::chrono::seconds{31});
  }
  ACE_CHECK(bench.is_done(), "a client that waits is left");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = ace::fuzz::to_span(data, size);
  const auto expected = expected_of(bytes);
  run(bytes, expected, [](ByteSpan& rest) { return std::exchange(rest, {}); });
  run(bytes, expected, [](ByteSpan& rest) {
    const auto piece = rest.first(1);
    rest = rest.subspan(1);
    return piece;
  });
  ace::fuzz::Cuts cuts{static_cast<std::uint32_t>(size) + 1};
  run(bytes, expected, [&](ByteSpan& rest) { return cuts.next(rest); });
  run_slowly(bytes);
  return 0;
}
