#include "shared/redis/session.h"

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/clock/fake_timers.h"

using namespace std::chrono_literals;
using ace::Errc;
using ace::Error;
using ace::Result;
using ace::redis::Address;
using ace::redis::Args;
using ace::redis::Deadlines;
using ace::redis::Endpoint;
using ace::redis::Link;
using ace::redis::Reply;
using ace::redis::Session;

namespace {

struct FakeLink final : Link {
  Listener* listener{};
  std::vector<Args> sent;

  void send(const Args& args) override { sent.push_back(args); }
  void close() override { listener = nullptr; }
  void answer(const Result<Reply>& reply) const { listener->on_link_reply(reply); }
};

/// A session with links that do what the test says, and time that passes when it says so.
struct Bench final : Session::Owner {
  ace::loop::Loop loop;
  ace::test::ManualClock clock;
  ace::test::FakeTimers timers{clock};
  std::vector<std::shared_ptr<FakeLink>> links;
  std::shared_ptr<Session> session;
  int ups{};
  std::vector<Error> downs;

  void begin(Session::Patience patience, const Endpoint& endpoint = {}) {
    const auto open = [this](const Address&, Link::Listener& listener) {
      links.push_back(std::make_shared<FakeLink>());
      links.back()->listener = &listener;
      return Result<std::shared_ptr<Link>>{links.back()};
    };
    session = std::make_shared<Session>(Session::Options{.loop = loop,
                                                         .timers = timers,
                                                         .endpoint = endpoint,
                                                         .deadlines = {},
                                                         .idle = Session::Idle::Ping,
                                                         .patience = patience,
                                                         .role = "test"},
                                        open, *this);
    session->start();
    turn();
  }
  void log_in() const {
    links.back()->listener->on_link_connected();
    while (session && !session->is_up()) links.back()->answer(Reply{});
  }
  void turn() { loop.run_once(false); }

  ~Bench() override {
    if (session) session->close();
  }
  Bench() = default;
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void on_session_up() override { ++ups; }
  void on_session_down(const Error& why) override { downs.push_back(why); }
  void on_session_push(Reply) override {}
};

}  // namespace

TEST_CASE("the login says who, which database, and asks whether the server serves", "[redis]") {
  Endpoint endpoint;
  endpoint.username = "u";
  endpoint.password = "p";
  endpoint.db = 4;
  Bench bench;
  bench.begin(Session::Patience::Strict, endpoint);
  bench.log_in();
  CHECK(bench.links[0]->sent == std::vector<Args>{{"AUTH", "u", "p"}, {"SELECT", "4"}, {"PING"}});
  CHECK(bench.ups == 1);
}

TEST_CASE("an idle connection is asked each second, a busy one is not", "[redis]") {
  Bench bench;
  bench.begin(Session::Patience::Strict);
  bench.log_in();
  const auto& sent = bench.links[0]->sent;
  bench.timers.advance(900ms);
  CHECK(sent.size() == 1);
  bench.timers.advance(100ms);
  CHECK(sent.size() == 2);
  bench.links[0]->answer(Reply{});
  bench.timers.advance(1000ms);
  CHECK(sent.size() == 3);
}

TEST_CASE("the oldest unanswered command decides, not the newest", "[redis]") {
  Bench bench;
  bench.begin(Session::Patience::Strict);
  bench.log_in();
  int answers = 0;
  Errc code{};
  for (int i = 0; i < 4; ++i) {
    bench.session->command({"GET", "k"}, [&](const Result<Reply>& reply) {
      ++answers;
      code = reply.error().code;
    });
    bench.timers.advance(500ms);
  }
  CHECK(answers == 0);  // 2 s: noticed with the next tick
  bench.timers.advance(200ms);
  CHECK(answers == 4);
  CHECK(code == Errc::Timeout);
  CHECK(bench.downs.size() == 1);
}

TEST_CASE("bytes that arrive buy time for large values, but not for ever", "[redis]") {
  Bench bench;
  bench.begin(Session::Patience::WhileBytesFlow);
  bench.log_in();
  bool is_answered = false;
  bench.session->command({"GET", "k"}, [&](const Result<Reply>&) { is_answered = true; });
  std::chrono::milliseconds waited{};
  while (!is_answered) {
    REQUIRE(waited < 60s);
    bench.links[0]->listener->on_link_progress();
    bench.timers.advance(1000ms);
    waited += 1000ms;
  }
  CHECK(waited > 9s);
  CHECK(waited <= 12s);
}

TEST_CASE("without bytes a large value has the same deadline", "[redis]") {
  Bench bench;
  bench.begin(Session::Patience::WhileBytesFlow);
  bench.log_in();
  bool is_answered = false;
  bench.session->command({"GET", "k"}, [&](const Result<Reply>&) { is_answered = true; });
  bench.timers.advance(2200ms);
  CHECK(is_answered);
}

TEST_CASE("a failure is told once, and the next attempts come later and later", "[redis]") {
  Bench bench;
  bench.begin(Session::Patience::Strict);
  std::chrono::milliseconds delay{};
  for (std::size_t failed = 1; failed <= 7; ++failed) {
    REQUIRE(bench.links.size() == failed);
    bench.links.back()->listener->on_link_lost({Errc::Unavailable, "refused"});
    for (delay = 0ms; bench.links.size() == failed && delay < 3s; delay += 10ms) {
      bench.timers.advance(10ms);
    }
    CHECK(delay >= 100ms);
    CHECK(delay <= 2s);
  }
  CHECK(delay >= 1s);
  CHECK(bench.downs.size() == 1);
  bench.log_in();
  CHECK(bench.ups == 1);
  bench.links.back()->listener->on_link_lost({Errc::Closed, "gone"});
  CHECK(bench.downs.size() == 2);
}

TEST_CASE("a connection that is lost during the login is tried again", "[redis]") {
  Bench bench;
  bench.begin(Session::Patience::Strict);
  bench.links[0]->listener->on_link_connected();
  SECTION("by a hang-up") { bench.links[0]->listener->on_link_lost({Errc::Closed, "gone"}); }
  SECTION("by silence") { bench.timers.advance(1000ms); }
  SECTION("by a refusal") { bench.links[0]->answer(ace::fail(Errc::Refused, "LOADING")); }
  CHECK(bench.downs.size() == 1);
  CHECK(bench.links[0]->listener == nullptr);
  bench.timers.advance(100ms);
  REQUIRE(bench.links.size() == 2);
  bench.log_in();
  CHECK(bench.ups == 1);
}

TEST_CASE("a closed session answers what is open, in the next turn", "[redis]") {
  Bench bench;
  bench.begin(Session::Patience::Strict);
  bench.log_in();
  int answers = 0;
  bench.session->command({"PING"}, [&](const Result<Reply>& reply) {
    ++answers;
    CHECK(reply.error().code == Errc::Closed);
  });
  bench.session->close();
  bench.session.reset();
  CHECK(answers == 0);
  bench.turn();
  CHECK(answers == 1);
}
