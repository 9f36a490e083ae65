#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "proto/ids.h"
#include "proto/redis/client_record.h"
#include "shared/base/result.h"
#include "shared/loop/timer.h"
#include "shared/redis/client.h"

namespace ace::ownership {

struct ClientRecordTiming {
  std::chrono::milliseconds heartbeat{10000};
  std::chrono::milliseconds client_ttl{50000};  ///< five heartbeats
  std::chrono::milliseconds record_ttl{60000};  ///< of the stream's set of clients
};

struct JoinOutcome {
  bool is_stopping{};   ///< not joined: the stream is being torn down
  std::size_t count{};  ///< clients of the stream on all workers, this one included
};

/// This worker's clients as all others see them in Redis: joins, leaves, and one pipeline of
/// heartbeats for all of them. What Redis lost or never heard of is joined again.
class ClientRecords {
 public:
  /// Where the present figures come from.
  class Figures {
   public:
    virtual ~Figures() = default;
    /// Nothing: the client is not alive just now; its record is left to expire.
    [[nodiscard]] virtual std::optional<proto::ClientFigures> figures_of(
        const proto::StreamId& stream, const proto::ClientId& client) const = 0;
  };

  /// References must outlive the records.
  ClientRecords(proto::WorkerId self, redis::Commands& commands, loop::TimerFactory& timers,
                ClientRecordTiming timing, const Figures& figures);
  ~ClientRecords();
  ClientRecords(const ClientRecords&) = delete;
  ClientRecords& operator=(const ClientRecords&) = delete;

  /// `record.worker` is filled in here. An error means unknown: the client is kept and joined again
  /// as soon as Redis is there. A client of a stopping stream is not kept.
  void join(const proto::StreamId& stream, proto::ClientRecord record,
            std::function<void(Result<JoinOutcome>)> callback);
  /// Its figures, now: the next heartbeat would be late for what is to be seen.
  void tell(const proto::StreamId& stream, const proto::ClientId& client);
  /// Remembered while Redis is away, so that no ghost keeps the stream alive.
  void leave(const proto::StreamId& stream, const proto::ClientId& client);
  /// The client is another worker's from here on: its record is that one's to keep.
  void forget(const proto::StreamId& stream, const proto::ClientId& client);
  /// Joins all clients again, at once, and says the leaves that could not be said.
  void on_redis_up();

  [[nodiscard]] std::size_t size() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
  std::unique_ptr<loop::Timer> heartbeat_timer_;
};

}  // namespace ace::ownership
