// Engines behind a name whose addresses change: with a hosts file of its own, in a mount namespace
// of the test's.

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <optional>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kName = "engines.test";

/// A mounted file is its inode: it must not be replaced. Nor may it be emptied first, for somebody
/// may read it then: it is always as long, and written at once.
void write_in_place(const std::string& path, std::string text) {
  constexpr std::size_t kSize = 512;
  REQUIRE(text.size() <= kSize);
  text.resize(kSize, '\n');
  const ace::UniqueFd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)};
  REQUIRE(::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

/// What this process, and all it starts from now on, takes for the system's names.
class Names {
 public:
  /// Nothing where mounts are not permitted.
  static std::optional<Names> take_over(const TempDir& dir) {
    Names names;
    names.hosts_ = dir.file("hosts");
    const auto order = dir.file("nsswitch.conf");
    write_in_place(names.hosts_, "");
    write_in_place(order, "hosts: files\n");  // no name server is asked
    const bool is_done =
        ::unshare(CLONE_NEWNS) == 0 &&
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        ::mount(names.hosts_.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr) == 0 &&
        ::mount(order.c_str(), "/etc/nsswitch.conf", nullptr, MS_BIND, nullptr) == 0;
    if (!is_done) return std::nullopt;
    return names;
  }
  void set(const std::vector<std::string>& addresses) const {
    std::string lines;
    for (const auto& address : addresses) lines += fmt::format("{} {}\n", address, kName);
    write_in_place(hosts_, lines);
  }

 private:
  std::string hosts_;
};

/// Ids of the listed engines.
std::vector<std::string> listed(const HttpReply& reply) {
  const auto json = json_of(reply.body);
  std::vector<std::string> ids;
  for (const auto& engine : json.GetArray()) {
    if (engine["listed"].GetBool()) ids.emplace_back(engine["name"].GetString());
  }
  return ids;
}

bool all_list(const Service& service, const std::vector<std::string>& ids) {
  return service.every_worker(
      "/engines", [&](const HttpReply& reply) { return listed(reply) == ids; }, 30s);
}

}  // namespace

TEST_CASE("engines behind a name appear, vanish and come again", "[engine_names]") {
  const TempDir dir;
  const auto names = Names::take_over(dir);
  if (!names) {
    WARN("skipped: this process may not mount files of its own");
    return;
  }
  const SimProcess first{{.bitrate = 1'000'000}};
  const auto port = first.port();
  const SimOptions beside{.engines = 0,
                          .bitrate = 1'000'000,
                          .arguments = {"--engine", fmt::format("127.0.0.2:{}", port)}};
  std::optional<SimProcess> second{std::in_place, beside};
  const auto id = [&](int host) { return fmt::format("127.0.0.{}:{}", host, port); };
  names->set({"127.0.0.1"});
  Service service{{.workers = 2,
                   .environment = {{"ACE_ENGINES", fmt::format("dns://{}:{}", kName, port)},
                                   {"MAX_STREAMS_PER_ENGINE", "2"},
                                   {"PROXY_ENGINE_REFRESH", "200ms"}}}};
  REQUIRE(all_list(service, {id(1)}));
  Viewers viewers{service.port()};
  viewers.open(2, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 30s));

  names->set({"127.0.0.2", "127.0.0.1"});
  REQUIRE(all_list(service, {id(1), id(2)}));
  viewers.open(2, stream_target(stream_id(2)));
  REQUIRE(all_served(viewers, 30s));
  CHECK(second->state().engine(0, "sessions_alive") == 1);

  // It leaves the name: what it plays goes on. It is gone: that moves.
  names->set({"127.0.0.1"});
  REQUIRE(all_list(service, {id(1)}));
  auto bytes = viewers.at(2).bytes();
  CHECK(viewers.run_until([&] { return viewers.at(2).bytes() > bytes + 200'000; }, 30s));
  CHECK(second->state().engine(0, "sessions_alive") == 1);
  second.reset();
  bytes = viewers.at(2).bytes();
  CHECK(viewers.run_until([&] { return viewers.at(2).bytes() > bytes + 300'000; }, 60s));
  CHECK(first.state().engine(0, "sessions_alive") == 2);

  // A name that cannot be looked up takes nothing away.
  names->set({});
  CHECK(wait_until([&] { return count_events(service.proxy().log(), "engine_name_unknown") == 2; },
                   30s));
  CHECK(all_list(service, {id(1)}));

  // The first one is full: who comes now is the second one's, though that has just failed.
  second.emplace(beside);
  names->set({"127.0.0.1", "127.0.0.2"});
  REQUIRE(all_list(service, {id(1), id(2)}));
  viewers.open(1, stream_target(stream_id(3)));
  REQUIRE(all_served(viewers, 30s));
  CHECK(second->state().engine(0, "sessions_alive") == 1);
  CHECK(viewers.count(ViewerState::Streaming) == 5);
  CHECK(viewers.faults().empty());
}

TEST_CASE("an engine that is back under another address is found at once", "[engine_names]") {
  const TempDir dir;
  const auto names = Names::take_over(dir);
  if (!names) {
    WARN("skipped: this process may not mount files of its own");
    return;
  }
  for (const std::string scheme : {"", "dns://"}) {
    CAPTURE(scheme);
    std::optional<SimProcess> first{std::in_place, SimOptions{.bitrate = 1'000'000}};
    const auto port = first->port();
    names->set({"127.0.0.1"});
    // Nothing but a failure has names looked up again.
    const Service service{
        {.workers = 2,
         .environment = {{"ACE_ENGINES", fmt::format("{}{}:{}", scheme, kName, port)},
                         {"PROXY_ENGINE_REFRESH", "10m"}}}};
    Viewers viewers{service.port()};
    REQUIRE(wait_until([&] { return service.get("/readyz").status == 200; }, 30s));
    viewers.open(2, stream_target(stream_id(1)));
    REQUIRE(all_served(viewers, 30s));

    names->set({"127.0.0.2"});
    first.reset();
    const SimProcess second{{.engines = 0,
                             .bitrate = 1'000'000,
                             .arguments = {"--engine", fmt::format("127.0.0.2:{}", port)}}};
    // Promised is less; this machine may be busy.
    const auto is_back = [&] { return second.state().engine(0, "sessions_alive") == 1; };
    CHECK(viewers.run_until(is_back, 15s));
    const auto bytes = viewers.at(0).bytes();
    CHECK(viewers.run_until([&] { return viewers.at(0).bytes() > bytes + 200'000; }, 15s));
  }
}
