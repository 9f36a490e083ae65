#include <signal.h>

#include <algorithm>
#include <cerrno>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/http_request.h"
#include "tests/support/process/resident_memory.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

bool has_ended(pid_t pid) { return ::kill(pid, 0) != 0 && errno == ESRCH; }

}  // namespace

TEST_CASE("SIGTERM ends every response properly and leaves nothing behind", "[shutdown]") {
  Service service;
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(10, stream_target(id));
  ViewerOptions old;
  old.http10 = true;
  viewers.open(10, stream_target(id), old);
  REQUIRE(all_served(viewers, 20s));
  REQUIRE(viewers.workers().size() > 1);
  viewers.run_for(1s);
  const auto workers = service.workers();

  const auto told = std::chrono::steady_clock::now();
  service.proxy().signal(SIGTERM);
  CHECK(viewers.run_until([&] { return viewers.count(ViewerState::Finished) == 20; }, 10s));
  const auto exit = service.proxy().wait(10s);
  CHECK(std::chrono::steady_clock::now() - told < 10s);
  REQUIRE(exit);
  CHECK(exit->code == 0);
  for (const auto& worker : workers) CHECK(has_ended(worker.pid));

  CHECK(viewers.faults().empty());
  CHECK(viewers.count(ViewerState::Reset) == 0);
  CHECK(viewers.count(ViewerState::Truncated) == 0);
  const auto engine = service.engines().state();
  CHECK(engine.engine(0, "sessions_alive") == 0);
  CHECK(engine.engine(0, "stops_received") == 1);
  // Who does not hear of Redis for half a second does not wait for its last answer. Nothing that
  // was forgotten would expire so soon.
  CHECK(wait_until([&] { return service.redis_number({"DBSIZE"}) == 0; }, 3s));
}

TEST_CASE("a viewer that reads nothing keeps nobody from starting the service anew", "[shutdown]") {
  const int signal = GENERATE(SIGTERM, SIGKILL);
  CAPTURE(signal);
  Service service{{.workers = 2}};
  Viewers viewers{service.port()};
  ViewerOptions slow;
  slow.read_limit = 1'000;
  slow.receive_buffer = 4'096;
  viewers.open(1, stream_target(stream_id(1)), slow);
  REQUIRE(all_served(viewers, 20s));
  viewers.run_for(2s);  // more is on its way than it takes
  const auto workers = service.workers();

  service.proxy().signal(signal);  // to the supervisor
  CHECK(wait_until([&] { return !connect_loopback(service.port()); }, 3s));
  CHECK_FALSE(std::ranges::all_of(workers, [](const auto& row) { return has_ended(row.pid); }));
  ProxyProcess next{{{"PROXY_LISTEN", "127.0.0.1:" + std::to_string(service.port())},
                     {"PROXY_WORKERS", "1"},
                     {"ACE_ENGINES", service.engines().engine_list()},
                     {"REDIS_SOCKET", service.redis_socket()}}};
  CHECK(http_request(next.port(), "GET", "/healthz").status == 200);
}

TEST_CASE("SIGTERM ends two hundred streams as properly as one", "[shutdown]") {
  const unsigned streams = kIsSanitized ? 60 : 200;
  Service service{{.bitrate = 100'000}};
  Viewers viewers{service.port()};
  for (unsigned i = 1; i <= streams; ++i) viewers.open(1, stream_target(stream_id(i)));
  REQUIRE(all_served(viewers, 60s));

  service.proxy().signal(SIGTERM);
  CHECK(viewers.run_until([&] { return viewers.count(ViewerState::Finished) == streams; }, 20s));
  const auto exit = service.proxy().wait(20s);
  REQUIRE(exit);
  CHECK(exit->code == 0);
  CHECK(viewers.faults().empty());
  // The engine may come to read the last of so many stops when the proxy has gone.
  const auto& engines = service.engines();
  CHECK(wait_until([&] { return engines.state().engine(0, "sessions_alive") == 0; }, 20s));
  CHECK(engines.state().engine(0, "stops_received") == streams);
  // A Redis without a turn for half a second is not waited for: then what is left expires.
  for (const auto& key : service.redis({"KEYS", "*"}).elements) {
    CAPTURE(key.text);
    const auto expires_in = service.redis_number({"TTL", key.text});
    CHECK((expires_in >= 0 || expires_in == -2));  // it has been deleted meanwhile
    CHECK(expires_in <= 60);
  }
}
