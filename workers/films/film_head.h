#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proto/http/byte_range.h"
#include "shared/base/result.h"
#include "shared/curl/transfer.h"

namespace ace::films {

/// The head of an answer that carries a film or a part of it: what an engine said, as far as it
/// makes sense.
struct FilmHead {
  int status{};  ///< 200, 206 or 416
  std::string content_type;
  std::optional<std::uint64_t> length;  ///< of the body
  std::optional<proto::http::ContentRange> part;
  std::optional<std::uint64_t> size;  ///< of the whole film
  bool takes_ranges{};

  /// Where in the film the body begins.
  [[nodiscard]] std::uint64_t first() const { return part ? part->first : 0; }
  /// The byte behind the body's last one, where that is known.
  [[nodiscard]] std::optional<std::uint64_t> end() const;
};

/// Refused for any other status, Protocol for a head that contradicts itself. The error's text
/// begins with the phase.
[[nodiscard]] Result<FilmHead> parse_film_head(const curl::ResponseHead& head);

}  // namespace ace::films
