#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "proto/mpeg_ts/program_tables.h"

namespace ace::proto {

/// A place in a run of packets at which a decoder can begin, once it has got `tables` (PAT and
/// PMTs, whole packets, with the continuity that the packets behind them go on with).
struct RandomAccessPoint {
  std::size_t offset{};  ///< of the packet, in bytes
  std::vector<std::byte> tables;
};

/// Reads along with a stream: where decoders can begin, and how much media has gone by. Pure.
/// Scrambled payloads are not looked into; what tables do not name is passed over.
class TsIndex {
 public:
  struct Scanned {
    /// The first one of the run.
    std::optional<RandomAccessPoint> random_access;
  };
  /// `packets` follow what was scanned before.
  [[nodiscard]] Scanned scan(ByteSpan packets);

  [[nodiscard]] const ProgramTables& tables() const { return tables_; }
  /// Media that has gone by since the first PCR: grows by what PCRs grow, over their wrap too. A
  /// jump (backwards, or of more than ten seconds) adds nothing. Zero for a stream without PCR.
  [[nodiscard]] std::chrono::nanoseconds media_time() const { return media_time_; }
  /// Of the last few seconds of media, null packets included; 0 before two seconds were seen.
  [[nodiscard]] std::uint64_t bits_per_second() const { return bits_per_second_; }

 private:
  [[nodiscard]] bool is_random_access(const TsPacket& packet) const;
  void follow_pcr(const TsPacket& packet);
  void measure_rate();

  ProgramTables tables_;
  std::optional<std::uint64_t> last_pcr_;
  std::chrono::nanoseconds media_time_{0};
  std::uint64_t bytes_{};
  std::chrono::nanoseconds measured_at_{0};
  std::uint64_t measured_bytes_{};
  std::uint64_t bits_per_second_{};
};

}  // namespace ace::proto
