#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/host/order_board.h"
#include "proto/redis/event.h"
#include "workers/streams/session/stream_services.h"

namespace ace::streams {

/// What people and other streams want of one stream, as this worker hears of it: from the host's
/// board, or from another host through Redis. Also moves an owned stream away from an engine that
/// is drained.
class StreamOrders {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_end_order() = 0;
    virtual void on_kick_order(const proto::ClientId& client) = 0;
    /// Another stream needs the engine.
    virtual void on_yield_order() = 0;
    /// To this engine, or to the best of the others. False: it cannot be done just now.
    virtual bool on_migrate_order(const std::optional<std::string>& engine_id) = 0;
  };

  /// Orders that were posted before are not for this stream.
  StreamOrders(StreamServices& services, proto::StreamId id, Listener& listener);

  /// What is on the host's board. The stream may be over afterwards.
  void obey();
  void on_event(const proto::Event& event);
  /// Owner, twice a second: what could not be done at once, and whether `engine_id` is drained.
  void tend(std::string_view engine_id);

 private:
  struct Move {
    std::optional<std::string> engine_id;
    SteadyTime until;
  };

  void obey(const host::StreamOrder& order);
  void leave_drained(std::string_view engine_id);

  StreamServices& services_;
  proto::StreamId id_;
  Listener& listener_;
  std::uint64_t seen_;                        ///< of the board
  std::optional<Move> move_;                  ///< ordered and not begun
  std::optional<SteadyTime> next_departure_;  ///< from a drained engine
};

}  // namespace ace::streams
