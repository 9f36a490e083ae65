#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "proto/ids.h"
#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/redis/chunk_connection.h"
#include "workers/streams/window/chunk_window.h"

namespace ace::streams {

struct UploadLimits {
  std::size_t bytes_in_flight{16_MiB};
  std::chrono::milliseconds chunk_ttl{60'000};
};

enum class UploadOutcome {
  Unchanged,  ///< Redis knows the stream as this owner left it
  Taken,      ///< somebody has owned it since
  Uploaded,   ///< it had forgotten the stream, and has the chunks again that it had before
};

/// Gives chunks back to a Redis that came back empty, before their owner claims the stream again:
/// followers that missed some find them, and clients that join get their burst. Only what Redis had
/// or may have had: that is the same on every host, so that two owners who come back
/// together do no harm. What is newer is appended under the new epoch.
class WindowUpload {
 public:
  /// Called once, never from within the constructor; it may destroy the upload.
  using Done = std::function<void(Result<UploadOutcome>)>;

  /// Begins at once. References must outlive the upload; destroying it ends it without a word.
  /// `newest`: what the owner tried last to store, and under which epoch.
  WindowUpload(proto::StreamId stream, redis::ChunkPipe& pipe, const ChunkWindow& window,
               proto::ChunkCursor newest, UploadLimits limits, Done done);
  ~WindowUpload();
  WindowUpload(const WindowUpload&) = delete;
  WindowUpload& operator=(const WindowUpload&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace ace::streams
