#pragma once

#include <chrono>
#include <map>
#include <memory>

#include "coordinator/ownership/worker_presence.h"
#include "workers/streams/session/stream_manager.h"

namespace ace::streams {

/// Finds streams whose owner is gone and that no worker follows, and has them ended. It finds those
/// of this host's dead workers in the table, and those of other hosts, and of a proxy that crashed
/// as a whole, in Redis' set of active streams. Does so in the host's caretaker only.
class OrphanWatch {
 public:
  /// References must outlive it.
  OrphanWatch(StreamServices& services, StreamManager& streams,
              ownership::WorkerPresence& presence);
  ~OrphanWatch();
  OrphanWatch(const OrphanWatch&) = delete;
  OrphanWatch& operator=(const OrphanWatch&) = delete;

  void on_worker_died();

 private:
  void look_in(std::chrono::milliseconds delay);
  void look();
  void mind_local();
  void draw();
  void on_drawn(const redis::Reply& members);
  void inspect(const proto::StreamId& id);
  void on_inspected(const proto::StreamId& id, const redis::Reply& reply);
  [[nodiscard]] bool is_run_here(const proto::StreamId& id) const;

  StreamServices& services_;
  StreamManager& streams_;
  ownership::WorkerPresence& presence_;
  std::unique_ptr<loop::Timer> timer_;
  std::map<proto::StreamId, SteadyTime> free_since_;
  std::shared_ptr<OrphanWatch*> alive_;
};

}  // namespace ace::streams
