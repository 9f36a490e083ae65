// Engines that an acestream-orchestrator names: they come and go, and whatever it says or fails to
// say in trouble takes nothing away and leads nowhere.

#include <fmt/format.h>

#include <set>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/canned_server.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

/// An engine as the orchestrator tells of it.
std::string entry(std::string_view name, std::uint16_t port, std::string_view more = "") {
  return fmt::format(R"({{"container_id":"{}","host":"127.0.0.1","port":{}{}}})", name, port, more);
}

/// Names of the engines that a page lists.
std::vector<std::string> listed_in(const HttpReply& page) {
  const auto json = json_of(page.body);
  std::vector<std::string> names;
  for (const auto& engine : json.GetArray()) {
    if (engine["listed"].GetBool()) names.emplace_back(engine["name"].GetString());
  }
  return names;
}

/// Both workers list just these: each hears of a change by itself, and who answers is the kernel's
/// choice.
bool all_come_to_list(const Service& service, const std::vector<std::string>& names) {
  std::set<std::string> workers;
  return wait_until(
      [&] {
        const auto page = service.get("/engines");
        if (listed_in(page) == names) workers.insert(page.headers.find("x-ace-worker").value());
        return workers.size() == 2;
      },
      30s);
}

struct World {
  World() { orchestrator.answer(200, "[" + first() + "]"); }

  [[nodiscard]] std::string first() const { return entry("first", engines.port(0)); }
  [[nodiscard]] std::string second(std::string_view more = "") const {
    return entry("second", engines.port(1), more);
  }
  [[nodiscard]] bool all_list(const std::vector<std::string>& names) const {
    return all_come_to_list(service, names);
  }
  /// Each worker has asked again, and heard the answer that stands now.
  void hear() const {
    const auto before = orchestrator.asked();
    REQUIRE(wait_until([&] { return orchestrator.asked() > before + 6; }, 20s));
  }

  SimProcess engines{{.engines = 2, .bitrate = 1'000'000}};
  CannedServer orchestrator;
  Service service{{.workers = 2,
                   .environment = {{"ACE_ENGINES", ""},
                                   {"ACE_ORCHESTRATOR_URL",
                                    fmt::format("http://127.0.0.1:{}", orchestrator.port())},
                                   {"PROXY_ENGINE_REFRESH", "200ms"}}}};
};

}  // namespace

TEST_CASE("an orchestrator's engines play as they come and go", "[orchestrator]") {
  World world;
  REQUIRE(world.all_list({"first"}));
  Viewers viewers{world.service.port()};
  viewers.open(2, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 15s));
  CHECK(world.engines.state().engine(0, "sessions_opened") == 1);

  world.orchestrator.answer(200, "[" + world.first() + "," + world.second() + "]");
  REQUIRE(world.all_list({"first", "second"}));
  viewers.open(1, stream_target(stream_id(2)));
  REQUIRE(all_served(viewers, 15s));
  CHECK(world.engines.state().engine(1, "sessions_opened") == 1);

  // One that it calls unhealthy is given nothing new; what it plays goes on.
  world.orchestrator.answer(
      200, "[" + world.first() + "," + world.second(R"(,"health_status":"unhealthy")") + "]");
  REQUIRE(world.all_list({"first"}));
  viewers.open(1, stream_target(stream_id(3)));
  REQUIRE(all_served(viewers, 15s));
  CHECK(world.engines.state().engine(1, "sessions_opened") == 1);
  CHECK(world.engines.state().engine(0, "sessions_opened") == 2);
  const auto bytes = viewers.at(2).bytes();
  CHECK(viewers.run_until([&] { return viewers.at(2).bytes() > bytes + 200'000; }, 15s));

  // One that is gone: its stream finds another.
  world.orchestrator.answer(200, "[" + world.second(R"(,"health_status":"healthy")") + "]");
  REQUIRE(world.all_list({"second"}));
  world.engines.fault("refuse", "close", 0);
  world.engines.fault("cut", "reset", 0);
  const auto has_moved = [&] { return world.engines.state().engine(1, "sessions_alive") == 3; };
  CHECK(viewers.run_until(has_moved, 20s));
  CHECK(viewers.count(ViewerState::Streaming) == 4);
  CHECK(viewers.faults().empty());
}

TEST_CASE("what an orchestrator says in trouble takes nothing away", "[orchestrator]") {
  World world;
  REQUIRE(world.all_list({"first"}));
  Viewers viewers{world.service.port()};
  viewers.open(2, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 15s));
  // Where a redirect would lead, and what it would find there.
  CannedServer elsewhere;
  elsewhere.answer(200, "[" + world.second() + "]");
  const auto location = fmt::format("Location: http://127.0.0.1:{}/engines\r\n", elsewhere.port());
  const std::string huge(2U << 20U, ' ');
  const std::string nested(500'000, '[');

  world.orchestrator.answer(500, "[]");
  world.hear();
  world.orchestrator.answer(200, "{\"error\":\"no\"}");
  world.hear();
  world.orchestrator.answer(200, "\xff\xfe garbage");
  world.hear();
  world.orchestrator.answer(200, nested);
  world.hear();
  world.orchestrator.answer(200, "[]" + huge);
  world.hear();
  for (const int status : {301, 302, 307}) {
    world.orchestrator.answer(status, "[]", location);
    world.hear();
  }
  CHECK(elsewhere.asked() == 0);
  const auto complaints = [&] {
    return count_events(world.service.proxy().log(), "orchestrator_silent");
  };
  const auto before = complaints();
  world.orchestrator.say_nothing();
  CHECK(viewers.run_until([&] { return complaints() >= before + 2; }, 30s));  // both have waited
  CHECK(world.all_list({"first"}));
  CHECK(viewers.count(ViewerState::Streaming) == 2);
  CHECK(viewers.faults().empty());

  world.orchestrator.answer(200, "[" + world.first() + "," + world.second() + "]");
  CHECK(world.all_list({"first", "second"}));
}

TEST_CASE("an orchestrator that is gone leaves its engines", "[orchestrator]") {
  auto orchestrator = std::make_unique<CannedServer>();
  const SimProcess engines{{.bitrate = 1'000'000}};
  orchestrator->answer(200, "[" + entry("first", engines.port()) + "]");
  Service service{{.workers = 2,
                   .environment = {{"ACE_ENGINES", ""},
                                   {"ACE_ORCHESTRATOR_URL",
                                    fmt::format("http://127.0.0.1:{}", orchestrator->port())},
                                   {"PROXY_ENGINE_REFRESH", "200ms"}}}};
  REQUIRE(all_come_to_list(service, {"first"}));
  orchestrator.reset();
  // A worker whose question was under way complains of that first.
  REQUIRE(wait_until(
      [&] { return count_events(service.proxy().log(), "orchestrator_silent") >= 2; }, 30s));
  CHECK(all_come_to_list(service, {"first"}));
  Viewers viewers{service.port()};
  viewers.open(2, stream_target(stream_id(1)));
  CHECK(all_served(viewers, 15s));
}

TEST_CASE("no name or address of an orchestrator's leads astray", "[orchestrator]") {
  World world;
  REQUIRE(world.all_list({"first"}));
  CannedServer trap;
  const auto bad = [&](std::string_view host, std::string_view port) {
    return fmt::format(R"({{"container_id":"bad","host":"{}","port":{}}})", host, port);
  };
  const auto at_trap = std::to_string(trap.port());
  std::string all = "[";
  const std::vector<std::string> hosts{
      "127.0.0.1:" + at_trap + "/?", "user@127.0.0.1", "127.0.0.1 ",         "127.0.0.1#", "",
      "127.0.0.1\\r\\nX: y",         "[::1]",          std::string(300, 'a')};
  for (const auto& host : hosts) {
    all += bad(host, at_trap) + ",";
  }
  for (const auto* port : {"0", "65536", "-1", "\"80/x\"", "null", "{}"}) {
    all += bad("127.0.0.1", port) + ",";
  }
  all += fmt::format(R"({{"container_id":"a b\n","host":"127.0.0.1","port":{}}},)", at_trap);
  all += R"("text",null,7,[],{},)";
  world.orchestrator.answer(200, all + world.second() + "]");
  REQUIRE(world.all_list({"second"}));
  Viewers viewers{world.service.port()};
  viewers.open(1, stream_target(stream_id(1)));
  CHECK(all_served(viewers, 15s));
  CHECK(trap.asked() == 0);
  CHECK(world.service.workers().size() == 2);
}
