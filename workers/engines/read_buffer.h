#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "shared/base/bytes.h"

namespace ace::engines {

/// Room for one large read, borrowed for as long as the object lives. Streams are read one after
/// another, so a process needs one; a buffer each would be half a megabyte a stream that is
/// resident sooner or later. A read within a read gets one of its own.
class ReadBuffer {
 public:
  /// Engines send bursts far above the bitrate at start: large reads keep the cost of those per
  /// call, not per packet.
  static constexpr std::size_t kSize = 512_KiB;

  ReadBuffer();
  ~ReadBuffer();
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;

  [[nodiscard]] std::span<std::byte> bytes() { return {memory_.get(), kSize}; }

 private:
  std::unique_ptr<std::byte[]> memory_;
};

}  // namespace ace::engines
