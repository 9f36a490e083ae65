#include "workers/worker.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "coordinator/handover/handover.h"
#include "coordinator/ownership/redis_gate.h"
#include "coordinator/ownership/worker_presence.h"
#include "coordinator/supervisor/control_channel.h"
#include "coordinator/supervisor/listen_socket.h"
#include "shared/log/log.h"
#include "shared/loop/signal_watcher.h"
#include "shared/os/memory_use.h"
#include "workers/engines/engine_registry.h"
#include "workers/film_door.h"
#include "workers/films/films.h"
#include "workers/http/endpoints.h"
#include "workers/http/server.h"
#include "workers/metrics/timed_commands.h"
#include "workers/move_out.h"
#include "workers/streams/session/orphan_watch.h"
#include "workers/streams/session/stream_manager.h"
#include "workers/streams/window/memory_budget.h"
#include "workers/worker_options.h"

namespace ace::workers {
namespace {

using std::chrono::milliseconds;
using namespace ace::literals;

constexpr milliseconds kBeatEvery{500};
constexpr milliseconds kTickEvery{500};
constexpr milliseconds kStopCheckEvery{20};
/// Kept back from the supervisor's deadline, to end in order all the same.
constexpr milliseconds kStopReserve{1'000};
/// Freed memory that is kept for the next chunks, when memory is short and when it is not.
constexpr std::uint64_t kFewBytes = 1_MiB, kManyBytes = 16_MiB;
/// Ready is said once it is known whether Redis is there, or after this long.
constexpr milliseconds kRedisPatience{1'500};

/// The composition root of one process: owns every part and wires them, in the order in which they
/// need each other.
class Worker final : private handover::Handover::Listener,
                     private ownership::RedisGate::Listener,
                     private ownership::WorkerPresence::Listener,
                     private ownership::ClientRecords::Figures {
 public:
  explicit Worker(supervisor::WorkerContext context);
  ~Worker() override { loop_.drop_posted(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  [[nodiscard]] int run();

 private:
  void on_passenger(handover::Passenger passenger) override;
  bool may_board(const handover::Watching& watching) override {
    return streams_.can_resume(watching);
  }
  bool on_estate_accepted(const handover::Estate& estate, host::WorkerRef heir) override {
    return streams_.on_estate_accepted(estate, heir);
  }
  [[nodiscard]] std::optional<proto::ClientFigures> figures_of(
      const proto::StreamId& stream, const proto::ClientId& client) const override;
  void on_presence_settled() override { say_ready(); }
  void on_id_taken() override;
  void on_presence_lost() override { clients_.on_redis_up(); }
  [[nodiscard]] proto::Fields presence_figures() const override;
  void on_redis_up() override;
  void on_redis_down(const ownership::RedisUnfitness& why) override;
  void use_redis();
  void on_control();
  void on_worker_died(std::int32_t pid);
  void say_ready();
  void beat();
  void tick();
  void drain(host::WorkerRef heir);
  void stop(std::string_view why);
  void check_stopped();
  void say_goodbye_to_redis();
  [[nodiscard]] bool is_spokesman() const;

  supervisor::WorkerContext context_;
  const config::Config& config_;
  proto::WorkerId id_;
  host::SlotBoard& board_;
  SystemClock clock_;
  loop::Loop loop_;
  loop::UvTimerFactory timers_{loop_};

  ownership::RedisGate redis_;
  metrics::TimedCommands commands_;
  ownership::WorkerPresence presence_;
  ownership::Incarnation incarnation_;
  ownership::EventBus events_;
  ownership::ClientRecords clients_;
  curl::Multi curl_{loop_, timers_};
  engines::EngineRegistry engines_;
  streams::StreamOptions options_;
  handover::Handover handover_;
  SteadyTime redis_heard_{clock_.now()};
  streams::StreamServices services_;
  FilmDoor film_door_{films_, server_};
  streams::StreamManager streams_{services_, film_door_};
  films::Films films_{services_};
  streams::OrphanWatch orphans_{services_, streams_, presence_};
  streams::MemoryBudget memory_;
  os::FreeMemory free_memory_;
  http::Endpoints endpoints_;
  http::ConnectionLimits connection_limits_;
  http::StrangerBytes strangers_;
  http::TurnQueue turns_{loop_, clock_};
  http::ConnectionServices connection_services_;
  http::Server server_;
  MoveOut move_out_;

  loop::SignalWatcher on_term_{loop_, SIGTERM, [this] { stop("SIGTERM"); }};
  loop::SignalWatcher on_int_{loop_, SIGINT, [this] { stop("SIGINT"); }};
  std::unique_ptr<loop::FdWatcher> control_;
  std::unique_ptr<loop::Timer> beat_timer_{timers_.make()};
  std::unique_ptr<loop::Timer> tick_timer_{timers_.make()};
  std::unique_ptr<loop::Timer> ready_timer_{timers_.make()};
  std::unique_ptr<loop::Timer> stop_timer_{timers_.make()};
  SteadyTime beat_due_;
  SteadyTime stop_by_;
  bool had_redis_{}, is_redis_told_{};
  bool is_ready_{}, is_stopping_{};
  std::uint64_t log_drops_told_{};
  int exit_code_{};
};

Worker::Worker(supervisor::WorkerContext context)
    : context_{std::move(context)},
      config_{*context_.config},
      id_{config_.host_name + ":" + std::to_string(::getpid())},
      board_{context_.host->scoreboard().slots[context_.self.slot]},
      redis_{loop_, timers_, config_.redis, {}, id_, *this},
      commands_{redis_.commands(), clock_, board_.redis_time},
      presence_{id_, commands_, timers_, clock_, {}, *this},
      incarnation_{commands_, timers_, clock_, {}},
      events_{loop_, timers_, config_.redis, {}, commands_, redis_.ungated()},
      clients_{id_, commands_, timers_, client_record_timing(config_), *this},
      engines_{{.loop = loop_,
                .timers = timers_,
                .clock = clock_,
                .commands = commands_,
                .events = events_,
                .curl = curl_,
                .host = *context_.host,
                .self = context_.self},
               registry_options(config_)},
      options_{stream_options(config_)},
      handover_{loop_, timers_, *context_.host, context_.self, *this},
      services_{.loop = loop_,
                .timers = timers_,
                .clock = clock_,
                .host = *context_.host,
                .self = context_.self,
                .worker_id = id_,
                .commands = commands_,
                .chunks = redis_.chunks(),
                .events = events_,
                .clients = clients_,
                .incarnation = incarnation_,
                .handover = handover_,
                .curl = curl_,
                .engines = engines_.directory(),
                .selector = engines_.selector(),
                .options = options_,
                .redis_heard = redis_heard_,
                .redis_unfitness = redis_.unfitness()},
      memory_{clock_, context_.host->scoreboard(),
              streams::memory_of_host(config_.memory_limit, context_.host->scoreboard())},
      endpoints_{services_, streams_, films_, engines_, memory_, endpoint_options(config_)},
      connection_limits_{connection_limits(config_)},
      strangers_{context_.host->scoreboard(), board_, stranger_limits(config_)},
      connection_services_{.loop = loop_,
                           .timers = timers_,
                           .clock = clock_,
                           .worker_id = id_,
                           .limits = connection_limits_,
                           .trusted_proxies = config_.trusted_proxies,
                           .strangers = strangers_,
                           .turns = turns_},
      server_{connection_services_, board_, endpoints_.router(), context_.listen_fds},
      move_out_{timers_, context_.host->scoreboard(), handover_, server_, streams_,
                films_,  [this] { stop("drained"); }} {
  redis_.listen_by(events_.hearing());
  if (context_.control) {
    control_ = std::make_unique<loop::FdWatcher>(loop_, context_.control.get(),
                                                 [this](loop::FdEvents) { on_control(); });
    control_->watch(true, false);
  }
}

int Worker::run() {
  beat();
  beat_timer_->every(kBeatEvery, [this] { beat(); });
  tick_timer_->every(kTickEvery, [this] { tick(); });
  ready_timer_->once(kRedisPatience, [this] { say_ready(); });
  loop_.run();
  return exit_code_;
}

void Worker::say_ready() {
  if (presence_.is_in_doubt()) return;  // it comes again when that is settled
  if (std::exchange(is_ready_, true)) return;
  ready_timer_->stop();
  if (is_stopping_) return;
  if (board_.phase != host::WorkerPhase::Draining) {
    board_.phase = host::WorkerPhase::Serving;
    server_.start_accepting();
  }
  log::info("worker_ready", "worker={} slot={}", id_.value, context_.self.slot);
  if (!context_.control) return;
  const auto said = supervisor::send_control(
      context_.control.get(), {.kind = supervisor::ControlKind::Ready, .worker = {}});
  if (!said) log::error("ready_not_said", "{}", said.error().text);
}

void Worker::beat() {
  const auto now = clock_.now();
  if (beat_due_ > SteadyTime{}) board_.loop_delay.add(now - beat_due_);
  beat_due_ = now + kBeatEvery;
  board_.beat_ns = now.time_since_epoch().count();
}

void Worker::tick() {
  if (services_.redis_is_up()) redis_heard_ = clock_.now();
  board_.window_permille = memory_.permille();
  streams_.tick();
  films_.tick();
  board_.longest_lag_ms = static_cast<std::uint32_t>(streams_.longest_lag().count());
  board_.redis_bytes_in_flight = services_.chunks.bytes_in_flight();
  log::tell_suppressed();
  board_.log_lines_dropped +=
      log::dropped_lines() - std::exchange(log_drops_told_, log::dropped_lines());
  // What streams, bodies and answers have left goes back to the system: others need it, and it
  // would count as used.
  const bool is_short = board_.window_permille > 0 || !memory_.has_room();
  free_memory_.give_back(is_short ? kFewBytes : kManyBytes);
}

void Worker::on_passenger(handover::Passenger passenger) {
  if (passenger.estate) return streams_.inherit(std::move(passenger));
  clients::ClientSeat seat{board_};
  // Nobody knows yet what it will ask for.
  if (!passenger.watching && passenger.request.empty()) seat = {};
  if (passenger.watching) {
    streams_.resume(std::move(passenger), std::move(seat));
    return;
  }
  server_.adopt(std::move(passenger.socket), std::move(passenger.peer),
                std::move(passenger.request),
                {.hops = passenger.hops,
                 .request_id = std::move(passenger.trace.id),
                 .seat = std::move(seat)});
}

std::optional<proto::ClientFigures> Worker::figures_of(const proto::StreamId& stream,
                                                       const proto::ClientId& client) const {
  return streams_.figures_of(stream, client);
}

void Worker::on_redis_up() {
  // From within a connection's callback: the parts hear of it in the next turn.
  loop_.post([this] {
    if (services_.redis_is_up()) use_redis();
  });
}

void Worker::use_redis() {
  redis_heard_ = clock_.now();
  board_.redis_is_up = 1;
  board_.redis_trouble = host::RedisTrouble::None;
  if (std::exchange(had_redis_, true)) ++board_.redis_reconnects;
  if (is_spokesman()) log::info("redis_up", "redis={:?}", config_.redis.describe());
  presence_.on_redis_up();  // before its clients: they count only while it is there
  clients_.on_redis_up();
  engines_.on_redis_up();
  streams_.on_redis_up();
}

void Worker::on_redis_down(const ownership::RedisUnfitness& why) {
  loop_.post([this, why] {
    if (services_.redis_is_up()) return;  // by now
    if (board_.redis_is_up.exchange(0) != 0) {
      redis_heard_ = clock_.now();
      if (why.is_since_before) redis_heard_ -= redis::Deadlines{}.command;
    }
    board_.redis_trouble = why.trouble;
    if (is_spokesman()) {
      log::warn("redis_down", "redis={:?} cause={} why={:?}: streams are served from memory",
                config_.redis.describe(), host::to_string(why.trouble), why.message);
    }
    say_ready();
  });
}

bool Worker::is_spokesman() const {
  // One line for the host, not one a worker.
  for (std::uint32_t slot = 0; slot < context_.self.slot; ++slot) {
    if (context_.host->scoreboard().slots[slot].phase != host::WorkerPhase::Empty) return false;
  }
  return true;
}

void Worker::on_control() {
  for (;;) {
    const auto message = supervisor::receive_control(context_.control.get());
    if (!message) {
      control_.reset();
      log::warn("supervisor_gone", "worker={}", id_.value);
      // So do all workers.
      for (const int fd : context_.own_listen_fds) supervisor::refuse_connections(fd);
      stop("the supervisor is gone");
      return;
    }
    if (!message->has_value()) return;
    switch ((*message)->kind) {
      case supervisor::ControlKind::Drain:
        drain((*message)->worker);
        break;
      case supervisor::ControlKind::WorkerDied:
        on_worker_died((*message)->pid);
        break;
      case supervisor::ControlKind::ReopenLogs:
        log::reopen();
        break;
      case supervisor::ControlKind::Ready:
        break;
    }
  }
}

void Worker::on_worker_died(std::int32_t pid) {
  presence_.bury({fmt::format("{}:{}", config_.host_name, pid)});
  handover_.on_worker_died();
  streams_.on_worker_died();
  orphans_.on_worker_died();
}

void Worker::on_id_taken() {
  log::error("worker_id_taken",
             "worker={}: another process that uses this Redis has this name; give each host its "
             "own PROXY_HOST_NAME",
             id_.value);
  exit_code_ = supervisor::kExitIdTaken;
  stop("its id is taken");
}

proto::Fields Worker::presence_figures() const {
  return {{"clients", fmt::to_string(board_.clients.load())},
          {"streams", fmt::to_string(board_.owned_streams.load())}};
}

void Worker::drain(host::WorkerRef heir) {
  if (is_stopping_) return;
  log::info("worker_draining", "worker={} streams={}", id_.value, streams_.size());
  board_.phase = host::WorkerPhase::Draining;
  move_out_.to(heir);
}

void Worker::stop(std::string_view why) {
  // Said twice by a service manager that signals every process and a supervisor that passes it on;
  // who is in a hurry kills.
  if (std::exchange(is_stopping_, true)) return;
  log::info("worker_stopping", "worker={} why={:?} streams={}", id_.value, why, streams_.size());
  board_.phase = host::WorkerPhase::Draining;
  move_out_.stop();
  server_.stop_accepting();
  engines_.stop();
  streams_.shut_down();
  films_.shut_down();
  stop_by_ = clock_.now() + config_.shutdown_timeout - kStopReserve;
  stop_timer_->every(kStopCheckEvery, [this] { check_stopped(); });
}

void Worker::check_stopped() {
  const bool is_done = streams_.is_empty() && films_.is_empty() && handover_.in_flight() == 0 &&
                       curl_.kept() == 0 && server_.connections() == 0;
  if (is_done) {
    say_goodbye_to_redis();
    return;
  }
  if (clock_.now() < stop_by_) return;
  // Clients that do not take their rest are closed now; that is no failure of ours. A stream that
  // is not taken apart is.
  log::warn("worker_stop_incomplete", "worker={} streams={} connections={} engine_commands={}",
            id_.value, streams_.size(), server_.connections(), curl_.kept());
  if (streams_.size() > 0 || curl_.kept() > 0) exit_code_ = 1;
  say_goodbye_to_redis();
}

void Worker::say_goodbye_to_redis() {
  // The last records were taken back without waiting: the answer to a PING behind them tells that
  // they arrived.
  if (std::exchange(is_redis_told_, true)) return;
  stop_timer_->once(kStopReserve / 2, [this] { loop_.stop(); });
  presence_.leave([this] {
    commands_.command({"PING"}, [this](const Result<redis::Reply>&) { loop_.stop(); });
  });
}

}  // namespace

int run(supervisor::WorkerContext context) {
  ::signal(SIGPIPE, SIG_IGN);
  Worker worker{std::move(context)};
  return worker.run();
}

}  // namespace ace::workers
