#include "workers/engines/read_buffer.h"

#include <utility>

namespace ace::engines {
namespace {

/// The one that nobody has borrowed just now.
std::unique_ptr<std::byte[]>& spare() {
  thread_local std::unique_ptr<std::byte[]> memory;
  return memory;
}

}  // namespace

ReadBuffer::ReadBuffer() : memory_{std::move(spare())} {
  if (!memory_) memory_ = std::make_unique_for_overwrite<std::byte[]>(kSize);
}

ReadBuffer::~ReadBuffer() { spare() = std::move(memory_); }

}  // namespace ace::engines
