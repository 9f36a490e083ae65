#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "proto/http/request.h"
#include "shared/base/bytes.h"

namespace ace::proto::http {

/// Why a request is not served, as it goes on the wire. The connection ends with it: where the next
/// request would begin is unknown.
struct Refusal {
  int status{};
  std::string text;
};

enum class Parse {
  NeedMore,  ///< everything was taken, the message is not whole
  Complete,  ///< request() is whole; what follows `consumed` belongs to the next one
  Refused,   ///< refusal() says why; nothing more is taken
};

struct FeedResult {
  Parse outcome{Parse::NeedMore};
  std::size_t consumed{};
};

/// Push parser for one connection's requests: llhttp in strict mode, and on top of it what its
/// version 8.1 still lets pass. The outcome never depends on how the bytes are cut, because llhttp
/// sees whole lines only. Limits: request.h; a request line beyond them is 414, headers 431, a body
/// 413. Pure: no I/O, no clock.
class RequestParser {
 public:
  RequestParser();
  ~RequestParser();
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;

  /// Takes bytes up to the end of the current message, never beyond. After Complete or Refused
  /// takes nothing until next().
  [[nodiscard]] FeedResult feed(ByteSpan bytes);

  /// Whole after Complete. During NeedMore with awaits_body(), all but the body is there.
  [[nodiscard]] const Request& request() const;
  /// The request, moved out; only after Complete, once, before next().
  [[nodiscard]] Request take_request();
  [[nodiscard]] const Refusal& refusal() const;

  /// The head is whole and a body is still to come: the moment for "100 Continue".
  [[nodiscard]] bool awaits_body() const;
  /// Bytes of memory that the current message takes, about.
  [[nodiscard]] std::size_t held_bytes() const;
  /// Nothing of a request has come yet, empty lines aside: a connection that ends or idles now
  /// misses nothing.
  [[nodiscard]] bool is_idle() const;
  /// All that was taken of the current message, from its first byte: what another process needs to
  /// parse it again. Valid until the next feed() or next().
  [[nodiscard]] std::string_view raw() const;

  /// Forgets the current message, whatever its state, and waits for the next one.
  void next();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ace::proto::http
