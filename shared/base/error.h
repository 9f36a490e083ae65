#pragma once

#include <string>
#include <string_view>

namespace ace {

/// Kinds of failure that callers tell apart; everything finer is in the text.
enum class Errc {
  InvalidArgument,  ///< the caller or the peer gave something malformed
  NotFound,         ///< the thing asked for does not exist
  Refused,          ///< the other side is there and said no
  Unavailable,      ///< the other side cannot be reached now
  Timeout,          ///< it did not answer within its limit
  Closed,           ///< the connection ended before the answer
  Protocol,         ///< the answer is not what its protocol allows
  TooLarge,         ///< over a limit of ours
  Busy,             ///< out of capacity: try again later
  System,           ///< the operating system refused; the text has errno
};

/// "timeout", "refused", …: stable words for logs, JSON and metrics.
[[nodiscard]] std::string_view to_string(Errc code);

/// Why something failed. The text is for people: lower case, no secrets, outermost context first.
struct [[nodiscard]] Error {
  Errc code{Errc::System};
  std::string text;

  /// The same error with one more layer of context in front: `"getstream reply: " + text`.
  [[nodiscard]] Error in(std::string_view where) &&;
  [[nodiscard]] Error in(std::string_view where) const&;
  /// `what` and errno as an Error of code System.
  [[nodiscard]] static Error from_errno(std::string_view what, int error_number);
};

}  // namespace ace
