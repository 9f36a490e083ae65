#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "proto/mpeg_ts/codec.h"
#include "proto/mpeg_ts/section_reader.h"
#include "proto/mpeg_ts/ts_packet.h"

namespace ace::proto {

/// `packets` from the first one on that begins a PAT; nothing if none does.
[[nodiscard]] ByteSpan from_first_pat(ByteSpan packets);

/// An elementary stream as its PMT names it.
struct ElementaryStream {
  Pid pid{};
  Codec codec{Codec::Other};
  bool operator==(const ElementaryStream&) const = default;
};

/// PAT and PMTs of a transport stream, as they go by: which program a player would show, and the
/// newest packets of each table, for whoever joins later. Tables that are not current yet are
/// passed over, and so are other sections on their PIDs. Bounded: the first section of a PAT
/// counts, and 64 programs of it.
class ProgramTables {
 public:
  ProgramTables() { table_pids_.set(kPatPid); }

  /// Feeds a packet of any PID. `raw` is the packet itself.
  void feed(const TsPacket& packet, ByteSpan raw);
  /// A unit of that PID begins: whatever it belongs to is not only announced.
  void note_unit(Pid pid);

  /// Where a decoder can begin, this one decides: of the shown program the first video, else the
  /// first audio, else whatever there is. Nothing until a PMT is known. Shown is the first program
  /// of the PAT that has video; programs that the PAT announces and nothing comes of are the last
  /// choice.
  [[nodiscard]] const std::optional<ElementaryStream>& main_stream() const { return main_; }
  /// The PID whose PCR tells the time of the shown program.
  [[nodiscard]] std::optional<Pid> pcr_pid() const { return pcr_pid_; }
  /// That PID carries the PAT or a PMT.
  [[nodiscard]] bool is_table(Pid pid) const { return table_pids_[pid]; }
  /// The newest PAT and PMTs, as whole packets; empty until there is a PAT and a PMT.
  [[nodiscard]] std::vector<std::byte> packets() const;

 private:
  struct Program {
    unsigned number{};
    Pid pmt_pid{};
    std::vector<std::byte> body{};     ///< of its newest PMT
    std::vector<std::byte> packets{};  ///< in which that lies
    std::uint64_t came{};              ///< its place among all PMTs
    std::optional<ElementaryStream> main{};
    std::optional<Pid> pcr_pid{};
    bool is_on_air{};  ///< its main stream has been seen
  };

  void on_pat(const SectionReader::Section& section);
  void on_pmt(Pid pid, const SectionReader::Section& section);
  [[nodiscard]] Program* program_of(Pid pmt_pid, unsigned number);
  void choose();

  SectionReader pat_reader_;
  std::vector<std::byte> pat_body_;
  std::vector<std::byte> pat_packets_;
  std::vector<Program> programs_;  ///< in the order of the PAT
  std::map<Pid, SectionReader> pmt_readers_;
  std::bitset<kNullPid + 1> table_pids_;
  std::uint64_t pmts_{};
  std::optional<ElementaryStream> main_;
  std::optional<Pid> pcr_pid_;
};

}  // namespace ace::proto
