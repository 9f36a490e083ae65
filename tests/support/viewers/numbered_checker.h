#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/clock.h"
#include "tests/support/viewers/age_histogram.h"
#include "tests/support/viewers/numbered_ts.h"

namespace ace::test {

enum class StreamFault {
  BadSync,  ///< a packet does not begin where the one before it ended
  Corrupt,  ///< a numbered packet or a table was changed on its way
  Gap,      ///< packets are missing, and no discontinuity indicator says so
  Repeat,   ///< a packet came again, or an older one after a newer one
  Foreign,  ///< a packet of another stream, or one that nobody sent
  TornEnd,  ///< the stream ended inside a packet
};

[[nodiscard]] std::string_view to_string(StreamFault fault);

struct FaultRecord {
  StreamFault fault{};
  std::uint64_t offset{};  ///< of the packet in the body
  std::string text;
};

struct StreamCounts {
  std::uint64_t numbered{};
  std::uint64_t tables{};
  std::uint64_t nulls{};
  std::uint64_t missing{};       ///< numbered packets left out, marked or not
  std::uint64_t marked_skips{};  ///< jumps forward that a discontinuity indicator announced
  std::uint64_t markers{};       ///< packets that say nothing but that a jump follows
  std::uint64_t faults{};
};

/// Checks what one viewer gets of one numbered stream, however its bytes are cut. Tables may come
/// at any place (a joiner gets them first), null packets too.
class NumberedChecker {
 public:
  NumberedChecker() = default;
  /// `asked_for`: the tags that the stream may have; packets of any other are foreign from the
  /// first one on. None: it is whatever comes first.
  explicit NumberedChecker(std::vector<std::uint64_t> asked_for)
      : asked_for_{std::move(asked_for)} {}

  /// `ages`, when given, learns how late each numbered packet is at `now`.
  void feed(ByteSpan bytes, SteadyTime now, AgeHistogram* ages = nullptr);
  /// The stream has ended: what is held must be nothing.
  void end();

  [[nodiscard]] const StreamCounts& counts() const { return counts_; }
  /// The first few; counts().faults has them all.
  [[nodiscard]] const std::vector<FaultRecord>& faults() const { return faults_; }
  [[nodiscard]] bool is_clean() const { return counts_.faults == 0; }
  [[nodiscard]] std::optional<std::uint64_t> first_seq() const { return first_seq_; }
  [[nodiscard]] std::optional<std::uint64_t> last_seq() const { return last_seq_; }
  /// The stream that the first numbered packet named.
  [[nodiscard]] std::optional<std::uint64_t> tag() const { return tag_; }
  /// PAT, PMT and a random access point were the first three packets, nulls apart.
  [[nodiscard]] bool began_decodable() const { return began_decodable_; }

 private:
  using Packet = std::span<const std::byte, kTsPacketSize>;

  void consume(ByteSpan bytes, SteadyTime now, AgeHistogram* ages);
  void on_packet(Packet packet, SteadyTime now, AgeHistogram* ages);
  void on_numbered(const NumberedPacket& packet);
  void note_beginning(std::uint16_t pid, bool is_random_access);
  void report(StreamFault fault, std::string text);

  std::vector<std::uint64_t> asked_for_;
  std::vector<std::byte> held_;
  std::uint64_t offset_{};  ///< of held_, in the body
  bool in_sync_{true};
  unsigned beginning_{};  ///< how many of the first packets were as they should
  bool began_decodable_{};
  bool is_jump_announced_{};  ///< by a marker, for the next numbered packet
  StreamCounts counts_;
  std::vector<FaultRecord> faults_;
  std::optional<std::uint64_t> first_seq_;
  std::optional<std::uint64_t> last_seq_;
  std::optional<std::uint64_t> tag_;
};

}  // namespace ace::test
