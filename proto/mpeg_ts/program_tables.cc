#include "proto/mpeg_ts/program_tables.h"

#include <algorithm>
#include <utility>

namespace ace::proto {
namespace {

constexpr std::size_t kMaxPrograms = 64;
constexpr std::size_t kSectionHead = 8;  // table_id to last_section_number
constexpr std::size_t kCrc = 4;
constexpr std::uint8_t kPatId = 0;
constexpr std::uint8_t kPmtId = 2;

std::size_t octet(ByteSpan bytes, std::size_t at) {
  return std::to_integer<std::size_t>(bytes[at]);
}

unsigned sixteen_bits(ByteSpan bytes, std::size_t at) {
  return static_cast<unsigned>(octet(bytes, at) << 8U | octet(bytes, at + 1));
}

/// Thirteen bits, as PIDs lie in tables.
Pid pid_at(ByteSpan bytes, std::size_t at) {
  return static_cast<Pid>(sixteen_bits(bytes, at) & 0x1fffU);
}

/// Twelve bits, as lengths lie in tables.
std::size_t length_at(ByteSpan bytes, std::size_t at) { return sixteen_bits(bytes, at) & 0xfffU; }

/// As far as its first packet shows.
bool begins_pat(const TsPacket& packet) {
  if (packet.pid != kPatPid || !packet.begins_unit || packet.is_scrambled) return false;
  if (packet.payload.empty()) return false;
  constexpr std::size_t kLongest = 1021;
  const auto at = 1 + octet(packet.payload, 0);
  if (at + kSectionHead > packet.payload.size() || octet(packet.payload, at) != kPatId)
    return false;
  const bool has_syntax = (octet(packet.payload, at + 1) & 0xc0U) == 0x80U;
  const auto length = length_at(packet.payload, at + 1);
  return has_syntax && length + 3 >= kSectionHead + kCrc && length <= kLongest;
}

/// A section of that table, in force, and the first one where there are several.
bool is_current(ByteSpan body, std::uint8_t table_id) {
  constexpr std::size_t kFlags = 5;
  constexpr std::size_t kNumber = 6;
  constexpr unsigned kIsCurrent = 1;
  return octet(body, 0) == table_id && (octet(body, kFlags) & kIsCurrent) != 0 &&
         octet(body, kNumber) == 0;
}

std::vector<ElementaryStream> streams_of(ByteSpan entries) {
  constexpr std::size_t kEntryHead = 5;
  std::vector<ElementaryStream> streams;
  while (entries.size() >= kEntryHead) {
    const auto length = std::min(length_at(entries, 3), entries.size() - kEntryHead);
    streams.push_back({.pid = pid_at(entries, 1),
                       .codec = codec_of(static_cast<unsigned>(octet(entries, 0)),
                                         entries.subspan(kEntryHead, length))});
    entries = entries.subspan(kEntryHead + length);
  }
  return streams;
}

std::optional<ElementaryStream> main_of(const std::vector<ElementaryStream>& streams) {
  auto found = std::ranges::find_if(streams, is_video, &ElementaryStream::codec);
  if (found == streams.end()) {
    found = std::ranges::find(streams, Codec::Audio, &ElementaryStream::codec);
  }
  if (found == streams.end()) found = streams.begin();
  return found == streams.end() ? std::nullopt : std::optional{*found};
}

/// Packets that end with what `all` ends with are not repeated: tables may share one.
void append(std::vector<std::byte>& all, ByteSpan packets) {
  for (; packets.size() >= kTsPacketSize; packets = packets.subspan(kTsPacketSize)) {
    const auto packet = packets.first(kTsPacketSize);
    const bool is_there =
        all.size() >= kTsPacketSize &&
        std::equal(packet.begin(), packet.end(), all.end() - std::ptrdiff_t{kTsPacketSize});
    if (!is_there) all.insert(all.end(), packet.begin(), packet.end());
  }
}

}  // namespace

ByteSpan from_first_pat(ByteSpan packets) {
  while (packets.size() >= kTsPacketSize &&
         !begins_pat(parse_ts_packet(packets.first(kTsPacketSize)))) {
    packets = packets.subspan(kTsPacketSize);
  }
  return packets;
}

void ProgramTables::feed(const TsPacket& packet, ByteSpan raw) {
  if (!is_table(packet.pid) || packet.is_scrambled) return;
  if (packet.pid == kPatPid) {
    pat_reader_.feed(packet, raw, [this](const auto& section) { on_pat(section); });
  } else {
    pmt_readers_[packet.pid].feed(
        packet, raw, [this, &packet](const auto& section) { on_pmt(packet.pid, section); });
  }
}

void ProgramTables::on_pat(const SectionReader::Section& section) {
  const auto body = section.body;
  if (!is_current(body, kPatId)) return;
  pat_packets_.assign(section.packets.begin(), section.packets.end());
  if (std::ranges::equal(body, pat_body_)) return;  // they come ten times a second
  pat_body_.assign(body.begin(), body.end());
  std::vector<Program> programs;
  table_pids_.reset();
  table_pids_.set(kPatPid);
  for (std::size_t at = kSectionHead; at + 4 <= body.size(); at += 4) {
    const auto number = sixteen_bits(body, at);
    const auto pid = pid_at(body, at + 2);
    const bool is_network = number == 0;
    if (is_network || pid == kPatPid || pid == kNullPid || programs.size() == kMaxPrograms)
      continue;
    const auto known = std::ranges::find_if(programs_, [&](const Program& program) {
      return program.number == number && program.pmt_pid == pid;
    });
    programs.push_back(known == programs_.end() ? Program{.number = number, .pmt_pid = pid}
                                                : *known);
    table_pids_.set(pid);
  }
  programs_ = std::move(programs);
  std::erase_if(pmt_readers_, [this](const auto& entry) { return !is_table(entry.first); });
  choose();
}

ProgramTables::Program* ProgramTables::program_of(Pid pmt_pid, unsigned number) {
  Program* of_pid = nullptr;
  std::size_t count = 0;
  for (auto& program : programs_) {
    if (program.pmt_pid != pmt_pid) continue;
    if (program.number == number) return &program;
    of_pid = &program;
    ++count;
  }
  // Some remultiplexers number programs anew in the PAT only.
  return count == 1 ? of_pid : nullptr;
}

void ProgramTables::on_pmt(Pid pid, const SectionReader::Section& section) {
  constexpr std::size_t kPmtHead = kSectionHead + 4;
  const auto body = section.body;
  if (!is_current(body, kPmtId) || body.size() < kPmtHead) return;
  auto* const program = program_of(pid, sixteen_bits(body, 3));
  if (program == nullptr) return;
  program->packets.assign(section.packets.begin(), section.packets.end());
  program->came = ++pmts_;
  if (std::ranges::equal(body, program->body)) return;
  program->body.assign(body.begin(), body.end());
  const auto entries = std::min(kPmtHead + length_at(body, kSectionHead + 2), body.size());
  const Pid pcr = pid_at(body, kSectionHead);
  program->pcr_pid = pcr == kNullPid ? std::nullopt : std::optional{pcr};
  const auto main = main_of(streams_of(body.subspan(entries)));
  program->is_on_air =
      program->is_on_air && main && program->main && main->pid == program->main->pid;
  program->main = main;
  choose();
}

void ProgramTables::note_unit(Pid pid) {
  for (auto& program : programs_) {
    if (!program.main || program.main->pid != pid || program.is_on_air) continue;
    program.is_on_air = true;
    choose();
  }
}

void ProgramTables::choose() {
  const auto rank = [](const Program& program) {
    if (!program.main) return 0;
    const int kind = is_video(program.main->codec)         ? 3
                     : program.main->codec == Codec::Audio ? 2
                                                           : 1;
    return kind + (program.is_on_air ? 3 : 0);
  };
  const auto shown = std::ranges::max_element(programs_, {}, rank);
  main_ = shown == programs_.end() ? std::nullopt : shown->main;
  pcr_pid_ = shown == programs_.end() ? std::nullopt : shown->pcr_pid;
}

std::vector<std::byte> ProgramTables::packets() const {
  std::vector<const Program*> known;
  for (const auto& program : programs_) {
    if (!program.packets.empty()) known.push_back(&program);
  }
  if (known.empty() || pat_packets_.empty()) return {};
  // On a PID that several share, the order is that of its continuity.
  std::ranges::sort(known, {}, &Program::came);
  auto all = pat_packets_;
  for (const auto* program : known) append(all, program->packets);
  return all;
}

}  // namespace ace::proto
