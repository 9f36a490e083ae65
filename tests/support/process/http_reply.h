#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"

namespace ace::test {

/// Header fields in the order they came; names in lower case.
class Headers {
 public:
  void add(std::string_view name, std::string_view value);
  /// The first field of that name (lower case).
  [[nodiscard]] std::optional<std::string> find(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const {
    return fields_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// Takes one HTTP/1.x reply apart as its bytes come, whatever their pieces; strict, since it is
/// the proxy that is under test. Bodies: chunked, by length, or until the connection ends.
class HttpReplyParser {
 public:
  enum class State { Head, Body, Done, Broken };
  using BodySink = std::function<void(ByteSpan)>;

  /// `expects_body` is false for the reply to a HEAD.
  explicit HttpReplyParser(bool expects_body = true) : expects_body_{expects_body} {}

  /// Hands body bytes to `sink` as they come. @returns how many bytes belong to this reply.
  std::size_t feed(ByteSpan bytes, const BodySink& sink);
  /// The peer ended the connection: the proper end of a body without length, else Broken.
  void end_of_input();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const std::string& why_broken() const { return why_; }
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] const Headers& headers() const { return headers_; }
  [[nodiscard]] bool has_head() const { return status_ != 0 && state_ != State::Head; }
  /// Chunked: the end of the body is told, so that a missing end is seen.
  [[nodiscard]] bool is_chunked() const { return framing_ == Framing::Chunked; }

 private:
  enum class Framing { None, Length, Chunked, UntilClose };
  enum class ChunkPart { Size, Data, DataEnd, Trailer };

  void parse_head(std::string_view head);
  void choose_framing();
  std::size_t feed_head(std::string_view text);
  std::size_t feed_body(ByteSpan bytes, const BodySink& sink);
  std::size_t feed_chunked(ByteSpan bytes, const BodySink& sink);
  void on_chunk_line();
  void break_off(std::string why);

  bool expects_body_;
  State state_{State::Head};
  Framing framing_{Framing::None};
  ChunkPart part_{ChunkPart::Size};
  std::uint64_t left_{};  ///< of the body, or of the chunk that is being read
  int status_{};
  std::string line_;  ///< the head, or a line of the chunked coding, as far as it is here
  std::string why_;
  Headers headers_;
};

}  // namespace ace::test
