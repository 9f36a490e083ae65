#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "tests/engine_sim/source.h"
#include "tests/support/viewers/numbered_ts.h"

namespace ace::sim {

/// Packets that say what they are, made on demand.
class NumberedSource final : public Source {
 public:
  NumberedSource(const std::string& infohash, std::uint64_t bitrate,
                 std::chrono::seconds key_interval)
      : stream_{infohash, bitrate, key_interval} {}

  void begin(SteadyTime from) override { next_ = stream_.seq_at(from); }
  void take(SteadyTime now, std::size_t room, std::string& out) override;

 private:
  test::NumberedStream stream_;
  std::uint64_t next_{};
};

}  // namespace ace::sim
