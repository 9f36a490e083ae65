#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/http/body_decoder.h"
#include "shared/base/bytes.h"
#include "shared/base/error.h"
#include "shared/base/unique_fd.h"
#include "shared/loop/fd_watcher.h"
#include "shared/loop/loop.h"

namespace ace::engines {

/// An answer of an engine in the middle of its body: all that another reader, or another process,
/// needs to go on with it.
struct OpenBody {
  UniqueFd socket;  ///< empty: it has ended behind `unread`
  proto::http::BodyDecoder decoder;
  std::string unread;  ///< decoded, and not taken yet
};

/// Reads the rest of an answer straight from its socket: without a library in between, it can be
/// given up at any byte, and a stream costs less.
class MediaSocket {
 public:
  /// Both methods may destroy the socket.
  class Listener {
   public:
    virtual ~Listener() = default;
    /// False pauses: the same bytes come again after resume(), perhaps cut differently.
    virtual bool on_media_bytes(ByteSpan bytes) = 0;
    /// The last call: the body or its connection has ended.
    virtual void on_media_end(Error why) = 0;
  };

  /// Starts, with the loop's next turn. References must outlive it.
  MediaSocket(loop::Loop& loop, OpenBody body, Listener& listener);
  MediaSocket(const MediaSocket&) = delete;
  MediaSocket& operator=(const MediaSocket&) = delete;

  /// Bytes flow again from the next turn of the loop. Nothing happens when it is not paused.
  void resume();
  /// The socket reports bytes only when so many wait (1: at the first), or at its end. A wake-up
  /// costs as much as reading 100 KiB, and engines send in small pieces.
  void set_low_water(std::size_t bytes);
  /// Hands over, from inside this call, what waits below the low-water mark. Nothing happens while
  /// paused, or from within a callback.
  void read_waiting();
  /// Gives the answer up, as far as it was taken. Not from within a callback; nothing is called any
  /// more.
  [[nodiscard]] OpenBody release();

 private:
  /// Held over a call out: expired when that has destroyed the socket.
  using Life = std::weak_ptr<const MediaSocket*>;

  void read();
  /// Both: false when it is paused, ended or destroyed.
  [[nodiscard]] bool take(ByteSpan bytes);
  [[nodiscard]] bool hand_on_unread();
  void end(Error why);

  loop::Loop& loop_;
  OpenBody body_;
  Listener& listener_;
  std::vector<ByteSpan> pieces_;
  std::unique_ptr<loop::FdWatcher> watcher_;
  std::optional<Error> end_;  ///< known, to be told behind what is unread
  bool is_paused_{};
  bool is_reading_{};
  std::shared_ptr<const MediaSocket*> alive_;
};

}  // namespace ace::engines
