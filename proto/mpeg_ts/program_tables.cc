#include "proto/mpeg_ts/program_tables.h"

#include <algorithm>

namespace ace::proto {
namespace {

constexpr std::size_t kMaxPrograms = 64;
constexpr std::size_t kMaxTablePackets = 16;
constexpr std::size_t kSectionHead = 8;  // table_id to last_section_number
constexpr std::size_t kCrc = 4;
constexpr std::uint8_t kPatId = 0;
constexpr std::uint8_t kPmtId = 2;

std::size_t octet(ByteSpan bytes, std::size_t at) {
  return std::to_integer<std::size_t>(bytes[at]);
}

/// Thirteen bits, as PIDs lie in tables.
Pid pid_at(ByteSpan bytes, std::size_t at) {
  return static_cast<Pid>((octet(bytes, at) & 0x1fU) << 8U | octet(bytes, at + 1));
}

/// Twelve bits, as lengths lie in tables.
std::size_t length_at(ByteSpan bytes, std::size_t at) {
  return (octet(bytes, at) & 0x0fU) << 8U | octet(bytes, at + 1);
}

Codec codec_of_type(std::size_t stream_type) {
  switch (stream_type) {
    case 0x01:
    case 0x02:
      return Codec::Mpeg2Video;
    case 0x1b:
      return Codec::H264;
    case 0x24:
      return Codec::H265;
    case 0x03:  // MPEG audio
    case 0x04:
    case 0x0f:  // AAC
    case 0x11:
    case 0x81:  // AC-3, E-AC-3
    case 0x87:
      return Codec::Audio;
    default:
      return Codec::Other;
  }
}

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

}  // namespace

bool is_video(Codec codec) {
  return codec == Codec::Mpeg2Video || codec == Codec::H264 || codec == Codec::H265;
}

ByteSpan from_first_pat(ByteSpan packets) {
  while (packets.size() >= kTsPacketSize &&
         !begins_pat(parse_ts_packet(packets.first(kTsPacketSize)))) {
    packets = packets.subspan(kTsPacketSize);
  }
  return packets;
}

void ProgramTables::feed(const TsPacket& packet, ByteSpan raw) {
  if (packet.is_scrambled) return;
  if (packet.pid == kPatPid) {
    if (const auto body = gather(pat_, packet, raw)) read_pat(*body);
    return;
  }
  const auto program = programs_.find(packet.pid);
  if (program == programs_.end()) return;
  if (const auto body = gather(program->second.section, packet, raw)) {
    read_pmt(*body, program->second);
  }
}

std::optional<ByteSpan> ProgramTables::gather(Section& section, const TsPacket& packet,
                                              ByteSpan raw) {
  auto payload = packet.payload;
  if (packet.begins_unit) {
    section.is_open = false;
    if (payload.empty()) return std::nullopt;
    const std::size_t pointer = octet(payload, 0);
    if (pointer + 1 >= payload.size()) return std::nullopt;
    payload = payload.subspan(pointer + 1);
    section.body.clear();
    section.raw.clear();
    section.is_open = true;
  }
  if (!section.is_open) return std::nullopt;
  section.body.insert(section.body.end(), payload.begin(), payload.end());
  section.raw.insert(section.raw.end(), raw.begin(), raw.end());
  const ByteSpan body{section.body};
  if (body.size() < kSectionHead) return std::nullopt;
  const std::size_t end = 3 + length_at(body, 1);
  const bool is_whole = body.size() >= end;
  section.is_open = !is_whole && section.raw.size() < kMaxTablePackets * kTsPacketSize;
  if (!is_whole || end < kSectionHead + kCrc) return std::nullopt;
  section.whole = section.raw;
  return body.first(end - kCrc);
}

void ProgramTables::read_pat(ByteSpan body) {
  if (octet(body, 0) != kPatId) return;
  std::vector<Pid> named;
  for (std::size_t at = kSectionHead; at + 4 <= body.size(); at += 4) {
    const bool is_network = octet(body, at) == 0 && octet(body, at + 1) == 0;
    if (!is_network && named.size() < kMaxPrograms) named.push_back(pid_at(body, at + 2));
  }
  std::erase_if(programs_, [&](const auto& program) {
    return std::ranges::find(named, program.first) == named.end();
  });
  for (const auto pid : named) programs_.try_emplace(pid);
}

void ProgramTables::read_pmt(ByteSpan body, Program& program) {
  constexpr std::size_t kPmtHead = kSectionHead + 4;
  if (octet(body, 0) != kPmtId || body.size() < kPmtHead) return;
  const Pid pcr = pid_at(body, kSectionHead);
  program.pcr_pid = pcr == kNullPid ? std::nullopt : std::optional{pcr};
  program.streams.clear();
  std::size_t at = kPmtHead + length_at(body, kSectionHead + 2);
  while (at + 5 <= body.size()) {
    program.streams[pid_at(body, at + 1)] = codec_of_type(octet(body, at));
    at += 5 + length_at(body, at + 3);
  }
}

std::optional<Codec> ProgramTables::codec_of(Pid pid) const {
  for (const auto& [pmt, program] : programs_) {
    const auto found = program.streams.find(pid);
    if (found != program.streams.end()) return found->second;
  }
  return std::nullopt;
}

bool ProgramTables::has_video() const {
  return std::ranges::any_of(programs_, [](const auto& program) {
    return std::ranges::any_of(program.second.streams,
                               [](const auto& stream) { return is_video(stream.second); });
  });
}

std::optional<Pid> ProgramTables::pcr_pid() const {
  for (const auto& [pmt, program] : programs_) {
    if (program.pcr_pid) return program.pcr_pid;
  }
  return std::nullopt;
}

std::vector<std::byte> ProgramTables::packets() const {
  std::vector<std::byte> all;
  for (const auto& [pid, program] : programs_) {
    const auto& whole = program.section.whole;
    all.insert(all.end(), whole.begin(), whole.end());
  }
  if (all.empty() || pat_.whole.empty()) return {};
  all.insert(all.begin(), pat_.whole.begin(), pat_.whole.end());
  return all;
}

}  // namespace ace::proto
