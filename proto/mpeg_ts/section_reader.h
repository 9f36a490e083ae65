#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "proto/mpeg_ts/ts_packet.h"

namespace ace::proto {

/// Gathers the sections of one PID: over several packets, several in one packet, or begun behind
/// the end of another one (ISO/IEC 13818-1, 2.4.4). CRCs are not checked: a player does. Bounded:
/// what does not end within 16 packets is passed over.
class SectionReader {
 public:
  struct Section {
    ByteSpan body;     ///< from table_id to before the CRC; at least the eight bytes of its head
    ByteSpan packets;  ///< those that it lies in, whole
  };
  /// Gets sections that are valid during the call. Must not call back into the reader.
  using Sink = std::function<void(const Section& section)>;

  /// `raw` is the packet itself.
  void feed(const TsPacket& packet, ByteSpan raw, const Sink& sink);

 private:
  void add(ByteSpan payload, ByteSpan raw, const Sink& sink);
  void close();

  std::vector<std::byte> body_;     ///< of the section that is open
  std::vector<std::byte> packets_;  ///< its packets so far
  bool is_open_{};
};

}  // namespace ace::proto
