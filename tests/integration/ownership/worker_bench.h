#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/ownership/event_bus.h"
#include "coordinator/ownership/stream_lease.h"
#include "shared/redis/chunk_connection.h"
#include "tests/integration/ownership/tap.h"
#include "tests/support/redis/redis_server.h"
#include "workers/streams/store/chunk_appender.h"
#include "workers/streams/store/chunk_follower.h"

namespace ace::test {

struct Quiet final : redis::Client::Listener {
  std::function<void()> on_up{[] {}};
  void on_redis_up() override { on_up(); }
  void on_redis_down(const Error& /*why*/) override {}
};

struct World {
  RedisServer server;
  loop::Loop loop;
  loop::UvTimerFactory timers{loop};
  SystemClock clock;
  proto::StreamId id = proto::StreamId::parse(std::string(40, 'a')).value();

  bool until(const std::function<bool()>& is_true) {
    bool is_late = false;
    const auto guard = timers.make();
    guard->once(std::chrono::seconds{10}, [&is_late] { is_late = true; });
    while (!is_true() && !is_late) loop.run_once(true);
    return is_true();
  }
};

/// What a worker has of one stream: connections, a lease, both directions of chunks.
struct Worker final : ownership::StreamLease::Listener,
                      ownership::EventBus::Listener,
                      streams::ChunkAppender::Listener,
                      streams::ChunkFollower::Listener {
  Worker(World& w, const std::string& name) : world{w}, self{name} {
    bus.subscribe(world.id, *this);  // before it is connected: it tells when it listens
    world.until([this] { return commands.is_up() && pipe.is_up(); });
    pipe_listener.on_up = [this] {
      if (appender) appender->on_redis_up();
      if (follower) follower->poll_now();
    };
  }
  ~Worker() override { bus.unsubscribe(world.id); }

  void on_lease_lost(const Error& why) override { lost.push_back(why); }
  void on_viewers_counted(std::size_t clients) override { viewers = clients; }
  void on_event(const proto::Event& event) override {
    events.push_back(event.type);
    if (!follower) return;
    using enum proto::EventType;
    if (event.type == Chunk) follower->on_announced(event.epoch, event.index);
    if (event.type == OwnerChanged) follower->on_owner_changed(event.epoch, event.index);
  }
  void on_events_may_be_missing() override {
    is_listening = true;
    if (follower) follower->poll_now();
  }
  void on_committed(proto::ChunkIndex newest) override { committed = newest; }
  void on_backlog(bool /*is_too_much*/) override {}
  void on_append_refused(const Error& why) override { refused.push_back(why); }
  void on_chunk(proto::OwnerEpoch /*epoch*/, proto::ChunkIndex index,
                proto::ChunkPtr chunk) override {
    order.push_back(index.value);
    got[index.value] = std::string{as_text(chunk->payload())};
  }
  void on_missing(proto::ChunkIndex first, proto::ChunkIndex last) override {
    for (auto i = first.value; i <= last.value; ++i) got[i] = "missing";
  }

  bool claim(std::vector<proto::WorkerId> dead = {}) {
    std::optional<Result<ownership::ClaimResult>> answer;
    lease.claim({}, {}, std::move(dead),
                [&](Result<ownership::ClaimResult> result) { answer = std::move(result); });
    if (!world.until([&] { return answer.has_value(); }) || !*answer) {
      throw std::runtime_error{"the claim is not answered"};
    }
    if (!(*answer)->is_mine) return false;
    appender.emplace(
        streams::ChunkAppender::Grant{world.id, self, (*answer)->epoch, (*answer)->index,
                                      [this] { return lease.may_write(); }},
        tap, world.timers, streams::AppendLimits{}, *this);
    next = (*answer)->index.next();
    return true;
  }
  void follow() { follower.emplace(world.id, pipe, world.timers, streams::FollowLimits{}, *this); }
  static std::string payload(std::uint64_t index) {
    std::string bytes(188 * (50 + 17 * (index % 100)), '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<char>((index * 31 + i * 7) % 256);
    }
    return bytes;
  }
  void append(int count) {
    for (int i = 0; i < count; ++i, next = next.next()) {
      appender->append(next, proto::Chunk::copy_of(as_bytes(payload(next.value))));
    }
  }
  [[nodiscard]] bool has_all(std::uint64_t first, std::uint64_t last) const {
    if (!got.contains(last)) return false;  // they come in order: no need to compare yet
    for (auto i = first; i <= last; ++i) {
      const auto chunk = got.find(i);
      if (chunk == got.end() || chunk->second != payload(i)) return false;
    }
    return true;
  }

  World& world;
  proto::WorkerId self;
  Quiet commands_listener;
  Quiet pipe_listener;
  redis::Client commands{world.loop, world.timers, world.server.endpoint(), {}, commands_listener};
  redis::ChunkConnection pipe{world.loop, world.timers, world.server.endpoint(), {}, pipe_listener};
  Tap tap{pipe};
  ownership::EventBus bus{world.loop, world.timers, world.server.endpoint(),
                          {},         commands,     commands};
  ownership::StreamLease lease{
      world.id, self, commands, world.timers, world.clock, {}, std::chrono::seconds{60}, *this};
  std::optional<streams::ChunkAppender> appender;
  std::optional<streams::ChunkFollower> follower;
  proto::ChunkIndex next;
  proto::ChunkIndex committed;
  std::map<std::uint64_t, std::string> got;
  std::vector<std::uint64_t> order;  ///< of the chunks that were got
  std::vector<Error> lost;
  std::vector<Error> refused;
  std::vector<proto::EventType> events;
  std::size_t viewers{};
  bool is_listening{};
};

}  // namespace ace::test
