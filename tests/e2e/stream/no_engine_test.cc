#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/e2e/stream/sockets.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

struct Named {
  std::string engine;
  std::string why;
};

/// The engines that an error names.
std::vector<Named> engines_of(const HttpReply& reply) {
  const auto json = json_of(reply.body);
  std::vector<Named> named;
  for (const auto& engine : json["error"]["engines"].GetArray()) {
    named.push_back({engine["engine"].GetString(), engine["error"].GetString()});
  }
  return named;
}

}  // namespace

TEST_CASE("without an engine a viewer is told which ones failed and why", "[no_engine]") {
  const RefusingPort refusing;
  const RefusingPort another;
  const SilentPort silent;
  const auto list = refusing.address() + "," + silent.address() + "," + another.address();
  const Service service{{.workers = 2, .environment = {{"ACE_ENGINES", list}}}};

  const auto asked = std::chrono::steady_clock::now();
  const auto reply = service.get(stream_target(stream_id(1)));
  CHECK(std::chrono::steady_clock::now() - asked < 3s);
  INFO(reply.body);
  CHECK(reply.status == 503);
  CHECK(reply.is_complete);
  CHECK(reply.headers.find("content-type") == "application/json");
  CHECK(reply.headers.find("retry-after"));
  CHECK(reply.headers.find("x-ace-worker"));
  const auto engines = engines_of(reply);
  REQUIRE(engines.size() == 3);
  CHECK(engines[0].engine == refusing.address());
  CHECK(engines[1].engine == silent.address());
  CHECK(engines[2].engine == another.address());
  for (const auto& engine : engines) CHECK_THAT(engine.why, Catch::Contains("connect"));
}

TEST_CASE("a failed start is remembered for three seconds, then tried again", "[no_engine]") {
  const Service service{{.workers = 1}};
  const auto target = stream_target(stream_id(1));
  service.engines().fault("refuse");
  const auto failed = std::chrono::steady_clock::now();
  REQUIRE(service.get(target).status == 503);
  service.engines().clear_faults();
  CHECK(service.get(target).status == 503);
  CHECK(service.engines().state().requests(0, "getstream") == 0);
  CHECK(service.get("/healthz").status == 200);

  // Players ask again and again; the first one that comes after the memory is served.
  Viewers viewers{service.port()};
  const auto is_served = [&] {
    if (viewers.size() == 0 || viewers.at(viewers.size() - 1).is_over()) {
      viewers.open(1, target);
    }
    return viewers.count_with_bytes(100'000) > 0 && viewers.count(ViewerState::Streaming) == 1;
  };
  CHECK(viewers.run_until(is_served, 20s));
  CHECK(std::chrono::steady_clock::now() - failed > 2900ms);
  CHECK(viewers.faults().empty());
}

TEST_CASE("an engine that does not answer does not keep viewers from one that does",
          "[no_engine]") {
  const SilentPort silent;
  const RefusingPort refusing;
  const SimProcess engines;
  const auto list = silent.address() + "," + refusing.address() + "," + engines.engine_list();
  const Service service{{.workers = 1, .environment = {{"ACE_ENGINES", list}}}};
  Viewers viewers{service.port()};
  viewers.open(1, stream_target(stream_id(1)));
  CHECK(all_served(viewers, 3s));
  CHECK(viewers.at(0).status() == 200);
}
