#include "tests/engine_sim/numbered_source.h"

#include <algorithm>

namespace ace::sim {

void NumberedSource::take(SteadyTime now, std::size_t room, std::string& out) {
  const auto due = stream_.seq_at(now) + 1;
  if (next_ >= due) return;
  const auto count = std::min<std::uint64_t>(due - next_, room / test::kTsPacketSize);
  const auto old_size = out.size();
  out.resize(old_size + count * test::kTsPacketSize);
  auto* at = reinterpret_cast<std::byte*>(out.data() + old_size);
  for (std::uint64_t i = 0; i < count; ++i, at += test::kTsPacketSize) {
    stream_.make(next_ + i, std::span<std::byte, test::kTsPacketSize>{at, test::kTsPacketSize});
  }
  next_ += count;
}

}  // namespace ace::sim
