#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/host/robust_mutex.h"
#include "proto/ids.h"

namespace ace::host {

/// What a stream is told to do: by people, or by a stream that needs its engine.
enum class OrderKind : std::uint32_t {
  Migrate,  ///< its owner: to the engine `argument`, or to the best of the others
  End,      ///< all workers with it: viewers are let go, engine session and keys too
  Kick,     ///< the worker that has the client `argument`: lets it go
  Yield,    ///< its owner: a stream that nobody watches ends now, for another one needs its engine
};

struct StreamOrder {
  OrderKind kind{};
  std::string argument;
};

/// Orders for this host's workers, with or without Redis: each stream of each worker reads those
/// that were posted since it was made. Safe from any worker.
class OrderBoard {
 public:
  /// Streams look twice a second; of more than so many in between the oldest are lost.
  static constexpr std::size_t kMaxOrders = 256;

  /// Once, by the process that makes the memory.
  void init() { mutex_.init(); }

  void post(const proto::StreamId& id, const StreamOrder& order);
  /// The number of the last one; 0: none yet.
  [[nodiscard]] std::uint64_t newest() const { return newest_; }
  /// Those for `id` behind the one numbered `seen`, oldest first; `seen` is the newest from then
  /// on.
  [[nodiscard]] std::vector<StreamOrder> take(const proto::StreamId& id, std::uint64_t& seen);

 private:
  struct Entry {
    std::uint64_t number;
    proto::StreamId id;
    OrderKind kind;
    std::array<char, 256> argument;
  };

  RobustMutex mutex_;
  std::atomic<std::uint64_t> newest_{};  ///< written last: an order is there before its number is
  std::array<Entry, kMaxOrders> entries_{};
};

}  // namespace ace::host
