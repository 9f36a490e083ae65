#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "shared/base/bytes.h"
#include "shared/base/error.h"
#include "shared/base/unique_fd.h"

namespace ace::curl {

class Multi;
class TransferState;

/// A GET over plain HTTP/1.1, on a connection of its own that is closed afterwards: a request that
/// opens something must never be sent twice, as happens when a reused connection proves dead.
struct Request {
  std::string url;
  std::chrono::milliseconds connect_timeout{1000};  ///< name resolution included
  std::string range{};  ///< of a Range header, behind "bytes="; empty: none is sent
  bool is_body_raw{};   ///< bytes come in their transfer coding, as they are on the wire
};

/// How far a transfer came.
enum class Phase {
  Connecting,       ///< the request cannot have been sent yet
  AwaitingHeaders,  ///< connected, no final status line yet
  Body,             ///< the headers are in
};

struct ResponseHead {
  int status{};
  std::string location;      ///< empty when there is none
  std::string content_type;  ///< empty when there is none
  // Of the body; empty where the header is not there. The last one of a name counts.
  std::string transfer_encoding{};
  std::string content_length{};
  std::string content_range{};
  std::string accept_ranges{};
  std::string peer{};  ///< whose it is: "1.2.3.4:5", "[::1]:5"
};

/// The end of a transfer: no error means that the body was complete by its own framing.
struct Outcome {
  std::optional<Error> error;
  Phase phase{Phase::Connecting};
};

enum class Flow { Continue, Pause };

/// One running request. Destroying it aborts without a callback. Redirects are not followed: the
/// listener sees them as any other answer.
class Transfer {
 public:
  /// Every method may destroy the transfer and start or end others.
  class Listener {
   public:
    virtual ~Listener() = default;
    /// The final response's head (1xx are skipped); once, before any byte.
    virtual void on_headers(const ResponseHead& head) = 0;
    /// Pause: these bytes were not taken and come again after resume(), perhaps cut differently.
    /// Until then the socket is not read, so that TCP holds the sender back.
    virtual Flow on_bytes(ByteSpan bytes) = 0;
    /// At most once, the last callback, never while the constructor runs.
    virtual void on_done(const Outcome& outcome) = 0;
  };

  /// Starts. `multi` and `listener` must outlive it.
  Transfer(Multi& multi, const Request& request, Listener& listener);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  /// Bytes flow again from the next turn of the loop, never from inside this call. Nothing happens
  /// when the transfer is not paused.
  void resume();
  [[nodiscard]] bool is_paused() const;
  /// Takes the connection away, for somebody who reads it better: all that libcurl has read of it
  /// was told by on_bytes(). Once the headers are in, and not from within a callback of any
  /// transfer; empty when there is no connection any more. The transfer is over, uncalled.
  [[nodiscard]] UniqueFd detach();
  [[nodiscard]] Phase phase() const;

 private:
  std::shared_ptr<TransferState> state_;
};

}  // namespace ace::curl
