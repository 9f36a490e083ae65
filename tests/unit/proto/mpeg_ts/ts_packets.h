#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "proto/mpeg_ts/ts_packet.h"

namespace ace::test {

/// What a packet made for a test is to say.
struct PacketPlan {
  proto::Pid pid{};
  bool begins_unit{};
  bool is_scrambled{};
  bool is_random_access{};
  bool is_discontinuity{};
  std::optional<std::uint64_t> pcr_90k{};
  std::string payload{};  ///< padded with 0xff
};

/// One packet of 188 bytes.
[[nodiscard]] inline std::string packet(const PacketPlan& plan) {
  std::string made(4, '\0');
  const bool has_field = plan.is_random_access || plan.is_discontinuity || plan.pcr_90k;
  made[0] = '\x47';
  made[1] = static_cast<char>((plan.begins_unit ? 0x40 : 0) | plan.pid >> 8);
  made[2] = static_cast<char>(plan.pid & 0xff);
  made[3] = static_cast<char>((plan.is_scrambled ? 0x80 : 0) | (has_field ? 0x30 : 0x10));
  if (has_field) {
    std::string field(
        1, static_cast<char>((plan.is_discontinuity ? 0x80 : 0) |
                             (plan.is_random_access ? 0x40 : 0) | (plan.pcr_90k ? 0x10 : 0)));
    if (const auto base = plan.pcr_90k) {
      for (const int shift : {25, 17, 9, 1}) field += static_cast<char>(*base >> shift & 0xff);
      field += static_cast<char>((*base & 1) << 7 | 0x7e);
      field += '\0';
    }
    made += static_cast<char>(field.size());
    made += field;
  }
  made += plan.payload;
  made.resize(proto::kTsPacketSize, '\xff');
  return made;
}

/// What the head of a section says.
struct SectionHead {
  char number{1};  ///< of the transport stream, or of the program
  bool is_current{true};
};

/// A table from its id on, with a CRC of zeros.
[[nodiscard]] inline std::string bare_section(char table_id, const std::string& head,
                                              const std::string& rest, SectionHead says = {}) {
  const auto length = 5 + head.size() + rest.size() + 4;
  std::string made(1, table_id);
  made += static_cast<char>(0xb0 | length >> 8);
  made += static_cast<char>(length & 0xff);
  made += std::string{'\0', says.number, says.is_current ? '\xc1' : '\xc0', '\0', '\0'};
  made += head + rest + std::string(4, '\0');
  return made;
}

/// A table behind its pointer field, with a CRC of zeros.
[[nodiscard]] inline std::string section(char table_id, const std::string& head,
                                         const std::string& rest, SectionHead says = {}) {
  return std::string(1, '\0') + bare_section(table_id, head, rest, says);
}

inline std::string thirteen_bits(proto::Pid pid) {
  return {static_cast<char>(0xe0 | pid >> 8), static_cast<char>(pid & 0xff)};
}

[[nodiscard]] inline std::string pat(proto::Pid pmt) {
  return packet({.pid = 0,
                 .begins_unit = true,
                 .payload = section('\0', "", std::string("\0\1", 2) + thirteen_bits(pmt))});
}

/// Programs 1, 2, 3 … with these PIDs of their PMTs.
[[nodiscard]] inline std::string pat_of(std::initializer_list<proto::Pid> pmts) {
  std::string entries;
  char number = 0;
  for (const auto pmt : pmts) {
    entries += std::string{'\0', ++number} + thirteen_bits(pmt);
  }
  return packet({.pid = 0, .begins_unit = true, .payload = section('\0', "", entries)});
}

/// A PMT's entry of a stream.
[[nodiscard]] inline std::string entry(char type, proto::Pid stream,
                                       const std::string& descriptors = {}) {
  return std::string(1, type) + thirteen_bits(stream) +
         std::string{'\xf0', static_cast<char>(descriptors.size())} + descriptors;
}

/// A PMT of program `says.number`, without pointer field.
[[nodiscard]] inline std::string pmt_of(proto::Pid pcr, const std::string& entries,
                                        SectionHead says = {}) {
  return bare_section('\2', thirteen_bits(pcr) + std::string("\xf0\0", 2), entries, says);
}

/// A packet that begins with these sections, one behind the other.
[[nodiscard]] inline std::string table(proto::Pid pid, const std::string& sections) {
  return packet({.pid = pid, .begins_unit = true, .payload = std::string(1, '\0') + sections});
}

/// A PMT with one stream; `descriptors` bytes of descriptors before it.
[[nodiscard]] inline std::string pmt_section(proto::Pid pcr, char type, proto::Pid stream,
                                             std::size_t descriptors = 0) {
  const auto info = std::string{static_cast<char>(0xf0 | descriptors >> 8),
                                static_cast<char>(descriptors & 0xff)};
  return section('\2', thirteen_bits(pcr) + info + std::string(descriptors, 'd'),
                 std::string(1, type) + thirteen_bits(stream) + std::string("\xf0\0", 2));
}

[[nodiscard]] inline std::string pmt(proto::Pid pid, proto::Pid pcr, char type, proto::Pid stream) {
  return packet({.pid = pid, .begins_unit = true, .payload = pmt_section(pcr, type, stream)});
}

/// The beginning of a PES packet with `bytes` of the elementary stream.
[[nodiscard]] inline std::string pes(const std::string& bytes) {
  return std::string("\0\0\1\xe0\0\0\x80\x80\5ptsts", 14) + bytes;
}

}  // namespace ace::test
