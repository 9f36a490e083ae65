#include "coordinator/ownership/client_records.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "coordinator/ownership/replies.h"
#include "proto/redis/redis_keys.h"
#include "proto/redis/redis_scripts.h"
#include "shared/log/log.h"

namespace ace::ownership {
namespace {

/// Leaves that are remembered for Redis; beyond it the records' TTL has to do.
constexpr std::size_t kMaxUnsaidLeaves = 20000;

const redis::Script& join_script() {
  static const redis::Script script{proto::kJoinScript};
  return script;
}
const redis::Script& leave_script() {
  static const redis::Script script{proto::kLeaveScript};
  return script;
}
const redis::Script& heartbeat_script() {
  static const redis::Script script{proto::kHeartbeatScript};
  return script;
}

std::string in_ms(std::chrono::milliseconds time) { return fmt::to_string(time.count()); }

Result<JoinOutcome> parse_join(const Result<redis::Reply>& reply) {
  if (!reply) return fail(reply.error().in("join"));
  const auto joined = count_at(*reply, 0);
  const auto count = count_at(*reply, 1);
  if (!joined || !count) return fail(Errc::Protocol, "join: the answer is malformed");
  return JoinOutcome{*joined == 0, static_cast<std::size_t>(*count)};
}

}  // namespace

struct ClientRecords::State : std::enable_shared_from_this<State> {
  using Key = std::pair<proto::StreamId, proto::ClientId>;
  using JoinCallback = std::function<void(Result<JoinOutcome>)>;

  State(proto::WorkerId worker, redis::Commands& redis, ClientRecordTiming times,
        const Figures& source)
      : self{std::move(worker)}, commands{redis}, timing{times}, figures{source} {}

  void join(const Key& key, const JoinCallback& callback);
  void join_again(const Key& key);
  void leave(const Key& key);
  void heartbeat();
  void beat(const Key& key);
  void on_redis_up();

  proto::WorkerId self;
  redis::Commands& commands;
  ClientRecordTiming timing;
  const Figures& figures;
  std::map<Key, proto::ClientRecord> clients;
  std::set<Key> unsaid_leaves;
};

void ClientRecords::State::join(const Key& key, const JoinCallback& callback) {
  const proto::StreamKeys keys{key.first};
  std::vector<std::string> args{key.second.value, self.value, in_ms(timing.record_ttl),
                                in_ms(timing.client_ttl), keys.events()};
  append_fields(args, proto::to_fields(clients.at(key)));
  commands.eval(join_script(),
                {keys.metadata(), keys.clients(), keys.client(key.second),
                 keys.last_client_disconnect_time()},
                args, [weak = weak_from_this(), key, callback](const Result<redis::Reply>& reply) {
                  auto outcome = parse_join(reply);
                  const auto state = weak.lock();
                  if (state && outcome && outcome->is_stopping) state->clients.erase(key);
                  callback(std::move(outcome));
                });
}

void ClientRecords::State::join_again(const Key& key) {
  const auto client = clients.find(key);
  if (client == clients.end()) return;
  const auto now = figures.figures_of(key.first, key.second);
  if (!now) return;
  client->second.figures = *now;
  join(key, [stream = key.first](const Result<JoinOutcome>& outcome) {
    if (outcome) return;
    log::debug("client_rejoin_failed", "stream={} why={:?}", stream.text(), outcome.error().text);
  });
}

void ClientRecords::State::leave(const Key& key) {
  const proto::StreamKeys keys{key.first};
  commands.eval(leave_script(),
                {keys.clients(), keys.client(key.second), keys.last_client_disconnect_time(),
                 keys.metadata()},
                {key.second.value, in_ms(timing.record_ttl), keys.events()},
                [weak = weak_from_this(), key](const Result<redis::Reply>& reply) {
                  const auto state = weak.lock();
                  if (!state || reply || state->clients.contains(key)) return;
                  if (state->unsaid_leaves.size() < kMaxUnsaidLeaves)
                    state->unsaid_leaves.insert(key);
                });
}

void ClientRecords::State::heartbeat() {
  if (!commands.is_up()) return;
  for (const auto& key : std::exchange(unsaid_leaves, {})) leave(key);
  for (const auto& [key, record] : clients) beat(key);
}

void ClientRecords::State::beat(const Key& key) {
  const auto now = figures.figures_of(key.first, key.second);
  if (!now) return;
  const proto::StreamKeys keys{key.first};
  std::vector<std::string> args{key.second.value, in_ms(timing.client_ttl)};
  append_fields(args, proto::to_fields(*now));
  commands.eval(heartbeat_script(), {keys.clients(), keys.client(key.second)}, args,
                [weak = weak_from_this(), again = key](const Result<redis::Reply>& reply) {
                  const auto known = integer_of(reply);
                  const auto state = weak.lock();
                  if (state && known && *known == 0) state->join_again(again);
                });
}

void ClientRecords::State::on_redis_up() {
  for (const auto& key : std::exchange(unsaid_leaves, {})) leave(key);
  std::vector<Key> keys;
  for (const auto& [key, record] : clients) keys.push_back(key);
  for (const auto& key : keys) join_again(key);
}

ClientRecords::ClientRecords(proto::WorkerId self, redis::Commands& commands,
                             loop::TimerFactory& timers, ClientRecordTiming timing,
                             const Figures& figures)
    : state_{std::make_shared<State>(std::move(self), commands, timing, figures)},
      heartbeat_timer_{timers.make()} {
  heartbeat_timer_->every(timing.heartbeat, [state = state_.get()] { state->heartbeat(); });
}

ClientRecords::~ClientRecords() = default;

void ClientRecords::join(const proto::StreamId& stream, proto::ClientRecord record,
                         std::function<void(Result<JoinOutcome>)> callback) {
  const State::Key key{stream, record.id};
  record.worker = state_->self;
  state_->unsaid_leaves.erase(key);
  state_->clients.insert_or_assign(key, std::move(record));
  state_->join(key, callback);
}

void ClientRecords::tell(const proto::StreamId& stream, const proto::ClientId& client) {
  const State::Key key{stream, client};
  if (state_->clients.contains(key)) state_->beat(key);
}

void ClientRecords::leave(const proto::StreamId& stream, const proto::ClientId& client) {
  const State::Key key{stream, client};
  if (state_->clients.erase(key) > 0) state_->leave(key);
}

void ClientRecords::forget(const proto::StreamId& stream, const proto::ClientId& client) {
  state_->clients.erase(State::Key{stream, client});
}

void ClientRecords::on_redis_up() { state_->on_redis_up(); }

std::size_t ClientRecords::size() const { return state_->clients.size(); }

}  // namespace ace::ownership
