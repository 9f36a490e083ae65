#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "proto/redis/stream_record.h"
#include "workers/streams/session/stream_services.h"

namespace ace::streams {

/// What previous owners have left of a stream in Redis.
struct Heritage {
  struct Piece {
    proto::OwnerEpoch epoch;
    proto::ChunkIndex index;
    proto::ChunkPtr chunk;
    bool is_behind_gap{};  ///< chunks before it are lost
  };
  std::optional<engines::SessionInfo> session;
  std::vector<Piece> chunks;  ///< in order
  bool was_delayed{};         ///< a cold start: there is nothing, and the answer was delayed
};

/// Reads a heritage for a new owner, within half a second: viewers wait, so the owner goes on
/// without what has not arrived by then.
class HeritageReader final : public std::enable_shared_from_this<HeritageReader>,
                             private ChunkFollower::Listener {
 public:
  struct Wanted {
    bool session{};
    proto::ChunkIndex after;  ///< chunks behind this one
    proto::ChunkIndex upto;   ///< and up to this one; 0: none
  };
  HeritageReader(StreamServices& services, proto::StreamId id);
  HeritageReader(const HeritageReader&) = delete;
  HeritageReader& operator=(const HeritageReader&) = delete;

  /// Call once. No callback after the reader was destroyed.
  void start(const Wanted& wanted, std::function<void(Heritage)> callback);

 private:
  void on_chunk(proto::OwnerEpoch epoch, proto::ChunkIndex index, proto::ChunkPtr chunk) override;
  void on_missing(proto::ChunkIndex first, proto::ChunkIndex last) override;
  void read_session();
  void read_up_to(proto::ChunkIndex index);
  void finish_if_complete();
  void finish();

  StreamServices& services_;
  proto::StreamId id_;
  std::function<void(Heritage)> callback_;
  Heritage heritage_;
  bool awaits_session_{};
  bool awaits_chunks_{};
  bool is_behind_gap_{};
  proto::ChunkIndex upto_;
  ChunkFollower reader_;
  std::unique_ptr<loop::Timer> deadline_;
};

}  // namespace ace::streams
