#pragma once

#include <sys/socket.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "tests/integration/streams/scripted_selector.h"
#include "tests/support/clock/manual_clock.h"
#include "tests/unit/coordinator/ownership/fake_commands.h"
#include "tests/unit/workers/streams/store/fake_pipe.h"
#include "workers/streams/session/stream_manager.h"

namespace ace::test {

const inline auto kFirst = *proto::StreamId::parse(std::string(40, 'a'));
const inline auto kSecond = *proto::StreamId::parse(std::string(40, 'b'));
constexpr const char* kStreamHead = "HTTP/1.1 200 OK\r\n\r\n";

inline std::string packet_of(char stream) { return '\x47' + std::string(187, stream); }

/// What has come at a viewer's end, without waiting for more.
inline std::string read_some(const UniqueFd& viewer) {
  std::string got(1U << 16U, '\0');
  const ssize_t size = ::recv(viewer.get(), got.data(), got.size(), MSG_DONTWAIT);
  got.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return got;
}

/// Which channels are listened to.
class FakeChannels final : public ownership::EventBus::Channels {
 public:
  explicit FakeChannels(std::set<std::string>& open) : open_{open} {}
  void subscribe(const std::string& channel) override { open_.insert(channel); }
  void unsubscribe(const std::string& channel) override { open_.erase(channel); }

 private:
  std::set<std::string>& open_;
};

/// The streams of one worker, on a host with another one. Redis answers when the test says so.
struct StreamWorld : streams::StreamManager::FilmDoor,
                     handover::Handover::Listener,
                     ownership::ClientRecords::Figures {
  StreamWorld() {
    for (const auto worker : {self, neighbour}) {
      host->scoreboard().slots[worker.slot].phase = host::WorkerPhase::Serving;
    }
  }

  void on_film_session(const proto::StreamId&, const engines::SessionInfo&) override {}
  void on_film_viewer(streams::NewViewer) override {}
  void on_passenger(handover::Passenger) override {}
  bool may_board(const handover::Watching&) override { return true; }
  bool on_estate_accepted(const handover::Estate&, host::WorkerRef) override { return false; }
  std::optional<proto::ClientFigures> figures_of(const proto::StreamId&,
                                                 const proto::ClientId&) const override {
    return std::nullopt;
  }

  /// And the viewer's end of its connection.
  std::pair<streams::NewViewer, UniqueFd> new_viewer() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0);
    clients::ClientInfo info;
    info.id = {"client " + std::to_string(++viewers)};
    streams::NewViewer viewer;
    viewer.session =
        std::make_unique<clients::ClientSession>(loop, clock, UniqueFd{ends[0]}, std::move(info),
                                                 kStreamHead, proto::http::BodyFraming::UntilClose);
    return {std::move(viewer), UniqueFd{ends[1]}};
  }
  /// @returns the viewer's end of its connection.
  UniqueFd open(const proto::StreamId& id) {
    auto [viewer, client] = new_viewer();
    manager.open(id, std::move(viewer));
    return std::move(client);
  }
  void run_until(const std::function<bool()>& is_reached) {
    bool is_late = false;
    auto deadline = timers.make();
    deadline->once(std::chrono::seconds{40}, [&] { is_late = true; });
    while (!is_reached() && !is_late) loop.run_once(true);
    REQUIRE_FALSE(is_late);
  }
  [[nodiscard]] bool is_followed(const proto::StreamId& id) const {
    return channels.contains(proto::StreamKeys{id}.events());
  }

  loop::Loop loop;
  loop::UvTimerFactory timers{loop};
  ManualClock clock;
  std::unique_ptr<host::HostMemory> host{std::move(host::HostMemory::create().value())};
  host::WorkerRef self{host->scoreboard().open_slot(0)};
  host::WorkerRef neighbour{host->scoreboard().open_slot(1)};
  proto::WorkerId worker_id{"host:1"};
  FakeCommands commands;
  FakePipe chunks;
  std::set<std::string> channels;
  ownership::EventBus events{commands, [this](redis::Subscriber::Listener&) {
                               return std::make_unique<FakeChannels>(channels);
                             }};
  ownership::ClientRecords clients{worker_id, commands, timers, {}, *this};
  ownership::Incarnation incarnation{commands, timers, clock, {}};
  handover::Handover handover{loop, timers, *host, self, *this};
  curl::Multi curl{loop, timers};
  engines::EngineDirectory directory;
  ScriptedSelector selector{loop, directory};
  streams::StreamOptions options;
  SteadyTime redis_heard{clock.now()};
  std::optional<ownership::RedisUnfitness> redis_unfitness;
  streams::StreamServices services{.loop = loop,
                                   .timers = timers,
                                   .clock = clock,
                                   .host = *host,
                                   .self = self,
                                   .worker_id = worker_id,
                                   .commands = commands,
                                   .chunks = chunks,
                                   .events = events,
                                   .clients = clients,
                                   .incarnation = incarnation,
                                   .handover = handover,
                                   .curl = curl,
                                   .engines = directory,
                                   .selector = selector,
                                   .options = options,
                                   .redis_heard = redis_heard,
                                   .redis_unfitness = redis_unfitness};
  streams::StreamManager manager{services, *this};
  int viewers{};
};

}  // namespace ace::test
