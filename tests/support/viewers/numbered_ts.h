#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "shared/base/bytes.h"
#include "shared/base/clock.h"

namespace ace::test {

constexpr std::size_t kTsPacketSize = 188;
constexpr std::uint16_t kPatPid = 0x0000;
constexpr std::uint16_t kNumberedPid = 0x0100;  ///< the video of the numbered stream
constexpr std::uint16_t kPmtPid = 0x1000;
constexpr std::uint16_t kNullPid = 0x1FFF;

using TsPacket = std::array<std::byte, kTsPacketSize>;

/// The infohash that the simulated engines name for a content id: always the same, never itself.
[[nodiscard]] std::string infohash_of_content(std::string_view content_id);
/// How the packets of a stream name it.
[[nodiscard]] std::uint64_t stream_tag(std::string_view infohash);

/// Makes the packets of one numbered stream. Packet `seq` is a pure function of the infohash, the
/// bitrate and seq, and is due at a moment that is one too: two sessions of one stream, on whatever
/// engines, carry the same bytes at the same time. In every interval of about 40 ms slot 0 is a
/// PAT, slot 1 a PMT, slot 2 begins a picture (PES header, PCR), the others continue it; once a
/// second, or as seldom as it is told, slot 2 is a random access point (flag and IDR slice).
class NumberedStream {
 public:
  NumberedStream(std::string_view infohash, std::uint64_t bitrate,
                 std::chrono::seconds key_interval = std::chrono::seconds{1});

  /// The packet that is due at `time`.
  [[nodiscard]] std::uint64_t seq_at(SteadyTime time) const;
  [[nodiscard]] SteadyTime due_time(std::uint64_t seq) const;
  void make(std::uint64_t seq, std::span<std::byte, kTsPacketSize> packet) const;

  [[nodiscard]] std::uint32_t interval() const { return interval_; }
  /// Packets from one random access point to the next.
  [[nodiscard]] std::uint64_t random_access_period() const;

 private:
  std::uint64_t tag_;
  std::uint64_t bitrate_;
  std::uint32_t interval_;
  std::uint64_t key_interval_;  ///< of key frames, in intervals
};

/// What a numbered packet says of itself.
struct NumberedPacket {
  std::uint64_t tag{};
  std::uint64_t seq{};
  SteadyTime due{};
  std::uint32_t interval{};
  bool is_random_access{};
  /// Set by whoever forwarded the packet after leaving some out; not part of the checksum.
  bool is_discontinuity{};
};

/// Nothing when the packet is not a numbered one or any of its bits was changed.
[[nodiscard]] std::optional<NumberedPacket> parse_numbered(
    std::span<const std::byte, kTsPacketSize> packet);
/// The numbered packet that follows `seq`: tables lie between.
[[nodiscard]] std::uint64_t next_numbered(std::uint64_t seq, std::uint32_t interval);

[[nodiscard]] std::uint16_t pid_of(std::span<const std::byte, kTsPacketSize> packet);
/// A packet of the numbered stream's PID that has no payload and says that a jump follows.
[[nodiscard]] bool is_discontinuity_marker(std::span<const std::byte, kTsPacketSize> packet);
/// A PAT or PMT packet whose section is whole and has the right CRC.
[[nodiscard]] bool is_valid_table(std::span<const std::byte, kTsPacketSize> packet);

}  // namespace ace::test
