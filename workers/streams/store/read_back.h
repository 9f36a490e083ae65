#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "proto/redis/redis_keys.h"
#include "shared/base/bytes.h"
#include "shared/base/clock.h"
#include "shared/redis/chunk_connection.h"
#include "workers/streams/window/archive.h"

namespace ace::streams {

struct ReadBackLimits {
  std::size_t bytes_in_flight{4_MiB};  ///< at least one chunk; what is asked beyond it waits
  std::size_t kept_bytes{4_MiB};       ///< of what was read; at least the last one
  std::chrono::milliseconds kept{5'000};
};

/// A stream's archive in Redis. Readers at one place share one fetch, those that come by a little
/// later find the chunk still here. A chunk that is gone, that Redis does not give, or that is not
/// the one the window had, is not to be had.
class ReadBack final : public Archive {
 public:
  /// References must outlive the object.
  ReadBack(proto::StreamId stream, redis::ChunkPipe& pipe, const ChunkWindow& window,
           const Clock& clock, ReadBackLimits limits);
  ReadBack(const ReadBack&) = delete;
  ReadBack& operator=(const ReadBack&) = delete;

  [[nodiscard]] proto::ChunkPtr read(WindowPosition at, Reader& reader) override;
  void forget(Reader& reader) override;
  /// Now and then: lets go what nobody came by for.
  void tidy();
  /// From now on; what is kept beyond them goes at once.
  void limit(ReadBackLimits limits);

  [[nodiscard]] std::size_t kept_bytes() const { return kept_bytes_; }

 private:
  /// One chunk on its way. Shared with the answer that fills it.
  struct Fetch {
    WindowPosition at;
    proto::ChunkIndex index;
    ChunkPrint print;
    std::shared_ptr<proto::Chunk> chunk{};
    std::vector<Reader*> readers{};
    bool is_asked{};
  };
  struct Kept {
    WindowPosition at;
    proto::ChunkPtr chunk;
    SteadyTime used;
  };

  void ask_more();
  void ask(const std::shared_ptr<Fetch>& fetch);
  void on_answer(const std::shared_ptr<Fetch>& fetch, bool has_come);
  void keep(WindowPosition at, proto::ChunkPtr chunk);
  void drop_oldest();

  proto::StreamKeys keys_;
  redis::ChunkPipe& pipe_;
  const ChunkWindow& window_;
  const Clock& clock_;
  ReadBackLimits limits_;
  std::deque<std::shared_ptr<Fetch>> fetches_;  ///< in the order they were wanted
  std::deque<Kept> kept_;                       ///< the last used at the end
  std::vector<Reader*> telling_;                ///< of a fetch that has just been answered
  std::size_t bytes_in_flight_{};
  std::size_t kept_bytes_{};
  /// Answers that outlive the object hold this weakly.
  std::shared_ptr<ReadBack*> alive_;
};

}  // namespace ace::streams
