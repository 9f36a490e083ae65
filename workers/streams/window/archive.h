#pragma once

#include "proto/chunk.h"
#include "workers/streams/window/chunk_window.h"

namespace ace::streams {

/// The chunks of a stream's buffer that its window knows and has not in memory.
class Archive {
 public:
  class Reader {
   public:
    /// What was asked for; null: it is not to be had any more.
    virtual void on_read_back(proto::ChunkPtr chunk) = 0;

   protected:
    ~Reader() = default;
  };
  virtual ~Archive() = default;

  /// The chunk that the window knows at a place, if it is at hand. Else null: the reader is told
  /// once, never from within this call. A reader asks for one chunk at a time.
  [[nodiscard]] virtual proto::ChunkPtr read(WindowPosition at, Reader& reader) = 0;
  /// The reader does not wait any more, or is about to be destroyed.
  virtual void forget(Reader& reader) = 0;
};

/// A stream's buffer: what is in memory, and the way to the rest.
struct StreamBuffer {
  const ChunkWindow& window;
  Archive& archive;
};

}  // namespace ace::streams
