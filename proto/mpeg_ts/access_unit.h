#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "proto/mpeg_ts/codec.h"
#include "shared/base/bytes.h"

namespace ace::proto {

/// What the beginning of a PES packet tells of the picture in it.
enum class Verdict : std::uint8_t {
  Open,     ///< nothing yet: more of its payload is needed
  Entry,    ///< a decoder can begin here
  Intra,    ///< an intra picture without the headers that a decoder begins with
  NoEntry,  ///< the picture needs others before it
  Untold,   ///< the payload cannot tell
};

/// Reads the PES packets of one elementary stream as far as the first slice of each. Where a
/// decoder can begin, the kind of that slice decides, and a recovery point SEI. A parameter set by
/// itself does not: some encoders repeat them before every picture.
class AccessUnit {
 public:
  /// Another PES packet begins.
  void begin(Codec codec);
  /// The next part of its payload. Not after a verdict other than Open.
  [[nodiscard]] Verdict feed(ByteSpan payload);

 private:
  /// Passes over the PES header. Open: it is not whole yet. Entry: what follows may be looked at.
  [[nodiscard]] Verdict read_header();
  [[nodiscard]] Verdict look_for_slice();
  /// `unit`: from behind a start code to the next one, or to where the bytes end for now.
  [[nodiscard]] Verdict judge(ByteSpan unit, bool is_whole);
  [[nodiscard]] Verdict judge_mpeg2(ByteSpan unit);
  [[nodiscard]] Verdict judge_h264(ByteSpan unit, bool is_whole);
  [[nodiscard]] Verdict judge_h265(ByteSpan unit, bool is_whole);

  Codec codec_{Codec::Other};
  std::vector<std::byte> bytes_;  ///< the PES packet so far
  bool is_behind_header_{};
  std::size_t unit_{};    ///< where the unit begins that is looked at; 0: none yet
  std::size_t sought_{};  ///< no start code begins before
  bool has_parameters_{};
  bool has_recovery_point_{};
};

}  // namespace ace::proto
