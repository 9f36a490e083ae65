#include "tests/support/connection/connection_bench.h"

#include <sys/socket.h>

#include <array>
#include <utility>

#include "shared/base/check.h"

namespace ace::test {
namespace {

using proto::http::Method;
using proto::http::Request;

std::array<UniqueFd, 2> socket_pair() {
  std::array<int, 2> fds{};
  const int made = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data());
  ACE_CHECK(made == 0, "a test has descriptors");
  return {UniqueFd{fds[0]}, UniqueFd{fds[1]}};
}

bool admit_all(http::Connection&, const Request&) { return true; }

}  // namespace

ConnectionBench::ConnectionBench(http::StrangerBytes::Limits limits)
    : strangers_{*board_, board_->slots[0], limits},
      services_{.loop = loop_,
                .timers = timers_,
                .clock = clock_,
                .worker_id = worker_,
                .limits = limits_,
                .trusted_proxies = no_proxies_,
                .strangers = strangers_,
                .turns = turns_} {
  add_routes();
  auto [client, server] = socket_pair();
  client_ = std::move(client);
  connection_ = std::make_unique<http::Connection>(services_, std::move(server), "127.0.0.1:5",
                                                   http::Arrival{},
                                                   static_cast<http::Connection::Listener&>(*this));
  connection_->start({});
}

ConnectionBench::~ConnectionBench() { loop_.drop_posted(); }

void ConnectionBench::add_routes() {
  router_.add("/now", Method::Get, admit_all,
              [this](http::Connection& connection, Request request) {
                answer(connection, request, answers_.json(request, 200, "{}"));
              });
  router_.add("/later", Method::Get, admit_all,
              [this](http::Connection& connection, Request request) {
                loop_.post([this, &connection, request = std::move(request)] {
                  answer(connection, request, answers_.json(request, 200, "{}"));
                });
              });
  router_.add("/taken", Method::Get, admit_all, [](http::Connection& connection, Request) {
    constexpr std::string_view kAnswer =
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    const auto taken = connection.take_socket();
    (void)::send(taken.socket.get(), kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  });
  router_.add("/large", Method::Get, admit_all,
              [this](http::Connection& connection, Request request) {
                answer(connection, request,
                       answers_.text(request, 200, "text/plain", std::string(kLargeBytes, 'x')));
              });
  router_.add("/body", Method::Post, admit_all,
              [this](http::Connection& connection, Request request) {
                answer(connection, request,
                       answers_.json(request, 201, std::to_string(request.body.size())));
              });
  router_.add(
      "/locked", Method::Post,
      [this](http::Connection& connection, const Request& request) {
        answer(connection, request, answers_.error(request, kLocked, "locked", "nobody may"));
        return false;
      },
      [](http::Connection&, Request) { ACE_CHECK(false, "nobody gets through a locked gate"); });
}

void ConnectionBench::send(std::string_view bytes) {
  while (!bytes.empty() && !is_done()) {
    const auto sent =
        ::send(client_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    run_turns(2);
    if (sent < 0) return;  // it takes no more: it has ended, or we do not read its answers
  }
}

void ConnectionBench::end() { ::shutdown(client_.get(), SHUT_WR); }

void ConnectionBench::run_turns(int turns) {
  for (int i = 0; i < turns; ++i) loop_.run_once(false);
}

bool ConnectionBench::run_to_end() {
  for (int i = 0; i < 20'000 && !is_done(); ++i) loop_.run_once(false);
  return is_done();
}

std::string ConnectionBench::received() {
  std::string all;
  std::array<char, 65536> buffer;
  for (;;) {
    const auto size = ::recv(client_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size <= 0) return all;
    all.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

bool ConnectionBench::on_head(http::Connection& connection, const Request& head) {
  return router_.admits(connection, head);
}

void ConnectionBench::on_request(http::Connection& connection, Request request) {
  ++requests_;
  router_.route(connection, std::move(request));
}

void ConnectionBench::on_connection_done(http::Connection&) {
  loop_.post([this] { connection_.reset(); });
}

}  // namespace ace::test
