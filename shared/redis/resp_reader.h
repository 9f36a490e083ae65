#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/redis/reply.h"

namespace ace::redis {

/// Reads RESP 2 answers from bytes as they come, in pieces of any size. A bulk string at the top
/// may be placed in memory of the caller's: then only its first bytes are copied, the rest is
/// received where it belongs. Pure: no I/O; what is not RESP, nests deeper than kMaxDepth or is
/// larger than kMaxReplyBytes is a Protocol error, after which the reader is of no use.
class RespReader {
 public:
  static constexpr std::size_t kMaxDepth = 8;
  static constexpr std::size_t kMaxLine = std::size_t{64} << 10U;

  RespReader();

  /// Asked when a bulk string begins at the top. Nothing: it becomes text of a Reply. Otherwise
  /// memory for it; too little refuses, and the value is read over.
  using Place = std::function<std::optional<std::span<std::byte>>(std::size_t size)>;

  struct Answer {
    enum class Kind {
      Reply,    ///< `reply`
      Placed,   ///< `size` bytes are in the caller's memory
      Refused,  ///< `size` bytes were read over
    };
    Kind kind{Kind::Reply};
    Result<Reply> reply;
    std::size_t size{};
  };

  /// The next whole answer; nothing when more bytes are needed.
  [[nodiscard]] Result<std::optional<Answer>> next(const Place& place);

  /// Where the next bytes go, in this order (the first part may be empty). Ask after next() has
  /// said that it needs more.
  [[nodiscard]] std::array<std::span<std::byte>, 2> space();
  /// `size` bytes have been put there.
  void filled(std::size_t size);

 private:
  enum class Mode { Head, Text, Placed, ReadOver, End };
  struct Array {
    std::size_t missing{};
    Reply reply;
  };

  [[nodiscard]] Result<std::optional<std::string_view>> take_line();
  [[nodiscard]] Status on_head(std::string_view line, const Place& place);
  [[nodiscard]] Status begin_bulk(std::int64_t size, const Place& place);
  [[nodiscard]] Status begin_array(std::int64_t size);
  void take_body();
  [[nodiscard]] Result<bool> take_end();
  void value_done(Reply value);
  [[nodiscard]] Answer take_answer();

  std::vector<std::byte> buffer_;
  std::size_t begin_{};
  std::size_t end_{};
  std::size_t scanned_{};  // of the line that begins at begin_

  Mode mode_{Mode::Head};
  std::size_t body_missing_{};
  std::span<std::byte> target_;  // what is still to be filled of it
  std::string text_;

  std::vector<Array> arrays_;
  std::size_t answer_bytes_{};
  std::size_t answer_elements_{};
  std::optional<Error> answer_error_;
  std::optional<Answer> placed_;  // the answer once the value that goes to the caller has ended
  std::optional<Answer> answer_;
};

}  // namespace ace::redis
