#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "shared/base/bytes.h"
#include "shared/base/result.h"

namespace ace::proto::http {

/// Takes a response's body out of its framing. Strict: what RFC 9112 does not allow is an error.
/// What comes out depends on the bytes alone, never on how they were cut. Pure.
class BodyDecoder {
 public:
  enum class Framing : std::uint8_t { UntilClose, Length, Chunked };
  enum class Place : std::uint8_t {
    Size,       ///< in a chunk's size
    Extension,  ///< behind it, up to its line's end
    SizeLf,
    Data,  ///< in a chunk, or in a body of known length
    DataCr,
    DataLf,
    Trailer,  ///< at a trailer line's beginning
    TrailerLine,
    TrailerLf,
    EndLf,
    Over,
  };
  /// Where in the framing the next byte stands: all there is to know for whoever goes on.
  struct State {
    Framing framing{Framing::UntilClose};
    Place place{Place::Data};
    std::uint64_t left{};        ///< of the chunk or the body; in Size: the number so far
    std::uint32_t line_bytes{};  ///< of the size line, or of all trailers
    bool operator==(const State&) const = default;
  };

  /// One run of the body; valid for as long as the bytes that were fed.
  using Sink = std::function<void(ByteSpan body)>;

  /// A body that ends with its connection.
  BodyDecoder() = default;
  /// By the answer's headers, empty where they are missing. Protocol: a coding or a length that
  /// nobody can follow.
  [[nodiscard]] static Result<BodyDecoder> of(std::string_view transfer_encoding,
                                              std::string_view content_length);
  /// Goes on where another one stood. Protocol: none can stand there.
  [[nodiscard]] static Result<BodyDecoder> at(State state);

  /// Protocol: the framing is broken; the sink has got what stands before that. What follows the
  /// body's end is dropped.
  [[nodiscard]] Status feed(ByteSpan bytes, const Sink& sink);
  /// The body is whole. Never of one that ends with its connection.
  [[nodiscard]] bool is_over() const { return state_.place == Place::Over; }
  [[nodiscard]] const State& state() const { return state_; }

 private:
  explicit BodyDecoder(State state) : state_{state} {}
  [[nodiscard]] ByteSpan take_data(ByteSpan bytes, const Sink& sink);
  [[nodiscard]] Status take_framing(char c);
  [[nodiscard]] Status take_size(char c);
  [[nodiscard]] Status count_line_byte();

  State state_;
};

}  // namespace ace::proto::http
