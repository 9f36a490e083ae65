#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "proto/mpeg_ts/access_unit.h"
#include "proto/mpeg_ts/program_tables.h"

namespace ace::proto {

/// A place in a run of packets at which a decoder can begin, once it has got `tables` (PAT and
/// PMTs, whole packets, with the continuity that the packets behind them go on with).
struct RandomAccessPoint {
  std::size_t offset{};  ///< of the packet, in bytes
  std::vector<std::byte> tables;
};

/// Reads along with a stream: where decoders can begin, and how much media has gone by. Pure. What
/// a picture is decides, its slice may lie some packets behind its beginning. The adaptation
/// field's flag decides only where the payload cannot tell: it is scrambled, or of an unknown kind.
class TsIndex {
 public:
  struct Scanned {
    /// The first one of the run.
    std::optional<RandomAccessPoint> random_access;
    /// One that began in an earlier run, and shows only now; `offset`: so many bytes before this
    /// run.
    std::optional<RandomAccessPoint> earlier;
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
  /// A unit of the main stream of which nobody knows yet whether a decoder can begin with it.
  struct OpenUnit {
    ElementaryStream stream;
    std::uint64_t begun_at{};  ///< of all bytes scanned
    bool is_flagged{};
    std::vector<std::byte> tables;
  };

  void follow_units(const TsPacket& packet, Scanned& scanned);
  void begin_unit(const TsPacket& packet, Scanned& scanned);
  void settle(Verdict verdict, Scanned& scanned);
  void follow_pcr(const TsPacket& packet);
  void measure_rate();

  ProgramTables tables_;
  AccessUnit access_unit_;
  std::optional<OpenUnit> unit_;
  std::uint64_t run_{};  ///< where the run begins, of all bytes scanned
  std::optional<Pid> pcr_pid_;
  std::optional<std::uint64_t> last_pcr_;
  std::chrono::nanoseconds media_time_{0};
  std::uint64_t bytes_{};
  std::chrono::nanoseconds measured_at_{0};
  std::uint64_t measured_bytes_{};
  std::uint64_t bits_per_second_{};
};

}  // namespace ace::proto
