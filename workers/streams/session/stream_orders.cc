#include "workers/streams/session/stream_orders.h"

#include <utility>

#include "shared/base/random_id.h"
#include "shared/log/log.h"
#include "workers/streams/session/local_process.h"

namespace ace::streams {
namespace {

using std::chrono::milliseconds;

/// A stream that cannot move yet (no media so far, or no lease) does so within this time, or not.
constexpr milliseconds kMovePatience{10'000};
/// Streams leave a drained engine within this time, not all in one moment.
constexpr milliseconds kDepartureSpread{2'000};
/// While no other engine has room. A migration that is under way goes on.
constexpr milliseconds kDepartureRetry{3'000};

std::optional<host::StreamOrder> order_of(const proto::Event& event) {
  switch (event.type) {
    case proto::EventType::Migrate:
      return host::StreamOrder{.kind = host::OrderKind::Migrate, .argument = event.engine};
    case proto::EventType::End:
      return host::StreamOrder{.kind = host::OrderKind::End, .argument = {}};
    case proto::EventType::Kick:
      return host::StreamOrder{.kind = host::OrderKind::Kick, .argument = event.client.value};
    case proto::EventType::Yield:
      return host::StreamOrder{.kind = host::OrderKind::Yield, .argument = {}};
    default:
      return std::nullopt;
  }
}

}  // namespace

StreamOrders::StreamOrders(StreamServices& services, proto::StreamId id, Listener& listener)
    : services_{services}, id_{id}, listener_{listener}, seen_{services.host.orders().newest()} {}

void StreamOrders::obey() {
  for (const auto& order : services_.host.orders().take(id_, seen_)) obey(order);
}

void StreamOrders::on_event(const proto::Event& event) {
  const auto order = order_of(event);
  // What this host's workers say stands on the board as well, where none gets lost.
  if (!order || is_worker_here(event.worker, services_.worker_id, services_.board())) return;
  obey(*order);
}

void StreamOrders::obey(const host::StreamOrder& order) {
  switch (order.kind) {
    case host::OrderKind::End:
      listener_.on_end_order();
      return;
    case host::OrderKind::Kick:
      listener_.on_kick_order({order.argument});
      return;
    case host::OrderKind::Yield:
      listener_.on_yield_order();
      return;
    case host::OrderKind::Migrate: {
      Move move{.engine_id = {}, .until = services_.clock.now() + kMovePatience};
      if (!order.argument.empty()) move.engine_id = order.argument;
      if (!listener_.on_migrate_order(move.engine_id)) move_ = std::move(move);
      return;
    }
  }
}

void StreamOrders::tend(std::string_view engine_id) {
  if (move_ && listener_.on_migrate_order(move_->engine_id)) move_.reset();
  if (move_ && services_.clock.now() >= move_->until) {
    log::warn("migration_dropped", "stream={} engine={} to={:?}", id_.text(), engine_id,
              move_->engine_id.value_or("any"));
    move_.reset();
  }
  leave_drained(engine_id);
}

void StreamOrders::leave_drained(std::string_view engine_id) {
  if (engine_id.empty() || !services_.host.engines().is_draining(engine_id)) {
    next_departure_.reset();
    return;
  }
  const auto now = services_.clock.now();
  if (!next_departure_) {
    const auto spread = random_u64() % static_cast<std::uint64_t>(kDepartureSpread.count());
    next_departure_ = now + milliseconds{spread};
  }
  if (now < *next_departure_) return;
  next_departure_ = now + kDepartureRetry;
  if (!move_) (void)listener_.on_migrate_order(std::nullopt);
}

}  // namespace ace::streams
