#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "proto/mpeg_ts/ts_packet.h"

namespace ace::proto {

/// How an elementary stream is coded, as far as finding its random access points needs it.
enum class Codec : std::uint8_t { Mpeg2Video, H264, H265, Audio, Other };

[[nodiscard]] bool is_video(Codec codec);

/// `packets` from the first one on that begins a PAT; nothing if none does.
[[nodiscard]] ByteSpan from_first_pat(ByteSpan packets);

/// PAT and PMTs of a transport stream, as they go by: which PID carries what, and the newest
/// packets of each table, for whoever joins later. Sections over several packets are followed; CRCs
/// are not checked (a player does). Bounded: more than 64 programs or 16 packets a table are passed
/// over.
class ProgramTables {
 public:
  /// Feeds a packet of any PID. `raw` is the packet itself.
  void feed(const TsPacket& packet, ByteSpan raw);

  /// Nothing while that PID is not known to carry an elementary stream.
  [[nodiscard]] std::optional<Codec> codec_of(Pid pid) const;
  /// That PID carries the PAT or a PMT.
  [[nodiscard]] bool is_table(Pid pid) const { return pid == kPatPid || programs_.contains(pid); }
  /// Some program has video: then audio alone is no place to begin.
  [[nodiscard]] bool has_video() const;
  /// The PID whose PCR tells the stream's time: that of the first program with one.
  [[nodiscard]] std::optional<Pid> pcr_pid() const;
  /// The newest PAT and PMTs, as whole packets; empty until there is a PAT and a PMT.
  [[nodiscard]] std::vector<std::byte> packets() const;

 private:
  /// A table being gathered, and the last whole one.
  struct Section {
    std::vector<std::byte> body;   ///< from table_id on
    std::vector<std::byte> raw;    ///< its packets so far
    std::vector<std::byte> whole;  ///< packets of the last whole section
    bool is_open{};
  };
  struct Program {
    Section section;
    std::map<Pid, Codec> streams;
    std::optional<Pid> pcr_pid;
  };

  /// Adds a packet; the section's bytes, from table_id to before the CRC, once it is whole.
  [[nodiscard]] static std::optional<ByteSpan> gather(Section& section, const TsPacket& packet,
                                                      ByteSpan raw);
  void read_pat(ByteSpan body);
  static void read_pmt(ByteSpan body, Program& program);

  Section pat_;
  std::map<Pid, Program> programs_;  ///< by the PID of their PMT
};

}  // namespace ace::proto
