#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/chunk.h"
#include "proto/http/response.h"
#include "shared/base/clock.h"
#include "shared/base/unique_fd.h"
#include "shared/loop/fd_watcher.h"
#include "workers/clients/ack_watch.h"
#include "workers/clients/client_info.h"
#include "workers/clients/client_state.h"
#include "workers/clients/token_bucket.h"
#include "workers/streams/window/archive.h"

namespace ace::clients {

/// One viewer: a socket, a place in the stream's buffer, and what is owed of the chunk in between.
/// Sends straight from the shared chunks, without copying: the socket's own buffer is its queue.
///
/// A slow client falls behind: chunks that have left memory are read back, one at a time. If its
/// position has left the buffer, or the chunk is lost, it jumps to the newest random access point,
/// and the jump is marked.
/// The answer's head leaves with the first media, or an error answer if there never is any.
class ClientSession final : private streams::Archive::Reader {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    /// It has ended: destroy it, but not from within this call.
    virtual void on_client_gone(ClientSession& client, std::string_view why) = 0;
  };

  /// `head`: the answer's status line and headers, complete. The socket is non-blocking.
  ClientSession(loop::Loop& loop, const Clock& clock, UniqueFd socket, ClientInfo info,
                std::string head, proto::http::BodyFraming framing);
  /// A client whose answer another worker has begun: it first gets what it is owed.
  ClientSession(loop::Loop& loop, const Clock& clock, UniqueFd socket, ClientInfo info,
                proto::http::BodyFraming framing, ClientProgress progress);
  ~ClientSession();
  ClientSession(const ClientSession&) = delete;

  /// Before anything else; outlives the session or is replaced.
  void set_listener(Listener* listener) { listener_ = listener; }

  void limit(ClientRate rate);  ///< from now on no faster than this
  /// Begins to deliver, now or with the next on_media(), at a random access point and with the
  /// tables before it. With a delay the client gets its burst and then the stream at the stream's
  /// pace. The buffer outlives the session.
  void join(const streams::StreamBuffer& buffer, JoinPlace place);
  /// Continues at `from`, for a client that was handed over.
  void feed_from(const streams::StreamBuffer& buffer, streams::WindowPosition from);
  /// The same for a client that missed the chunks before `from`: a marked skip.
  void skip_to(const streams::StreamBuffer& buffer, streams::WindowPosition to);
  /// The window has grown by one chunk. `opening`: for a client that has got nothing yet.
  void on_media(Opening opening);
  /// For players that hang up on silence. Ignored while the client still has media to get.
  void send_filler(const proto::ChunkPtr& filler);
  /// What is buffered is delivered, then the answer ends properly: last chunk or FIN, no reset.
  void finish();
  void refuse(std::string answer);  ///< a whole error answer; only while nothing was sent
  /// Twice a second: asks the kernel what has arrived, each time for a blocked client, else rarely.
  void tick();
  /// Data is outstanding and the peer has acknowledged none of it for `limit`; or the answer has
  /// ended and the peer does not close its side within a moment.
  [[nodiscard]] bool is_stuck(std::chrono::milliseconds limit) const;
  void give_up();  ///< on a client that is stuck: what it has not taken is lost with its socket
  /// What has arrived by now.
  [[nodiscard]] const AckWatch& check_acks();
  /// It has got all that there is for it, and nothing of a chunk or a head is owed.
  [[nodiscard]] bool is_drained() const;
  /// Lets go of its buffer and its listener, for another stream. Only while it is waiting.
  void leave_stream();
  /// Gives the socket up, for another worker. Only while it is waiting or being fed.
  [[nodiscard]] ClientRemains release();
  [[nodiscard]] streams::WindowPosition next() const { return next_; }

  [[nodiscard]] const ClientInfo& info() const { return info_; }
  [[nodiscard]] proto::http::BodyFraming framing() const { return framing_; }
  [[nodiscard]] std::uint64_t bytes_sent() const { return bytes_sent_; }
  /// The number of jumps over media that this client could not be given.
  [[nodiscard]] std::uint64_t skips() const { return skips_; }
  /// How far behind the newest chunk it is, by arrival, and why.
  [[nodiscard]] ClientPace pace() const;
  /// From its request to the first byte sent; nothing before that, and after a hand-over.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> join_time() const { return join_time_; }
  [[nodiscard]] bool is_waiting() const { return phase_ == Phase::Waiting; }

 private:
  using Phase = ClientPhase;
  using Pause = ClientPause;
  /// What a gathered write is made of, in order: owed text, the rest of a chunk, further chunks.
  struct Gathered;

  void on_read_back(proto::ChunkPtr chunk) override;
  void on_ready(loop::FdEvents events);
  void read_and_drop();
  [[nodiscard]] bool send_newest();
  /// One call; what it does not take is remembered as `current_`.
  [[nodiscard]] bool send_whole(const proto::ChunkPtr& chunk);
  void go_on();
  void pump();
  /// False: there is no place to begin yet.
  [[nodiscard]] bool begin();
  [[nodiscard]] std::optional<streams::WindowPosition> place_to_begin() const;
  [[nodiscard]] std::size_t gather(Gathered& out);
  void advance(std::size_t sent);
  [[nodiscard]] bool reach_next();
  void send_next(proto::ChunkPtr chunk);
  void take(const streams::ChunkWindow::Item& item, proto::ChunkPtr chunk);
  [[nodiscard]] bool may_send();
  [[nodiscard]] bool is_due(const streams::ChunkWindow::Item& item) const;
  void skip();
  void land();
  void use(const streams::StreamBuffer& buffer);
  void stop_reading();
  void half_close();
  void end(std::string_view why);
  [[nodiscard]] ByteSpan wire(const proto::Chunk& chunk) const;

  // What every chunk touches, side by side: between two of them the kernel's copying has pushed all
  // of it out of the cache.
  streams::WindowPosition next_;
  const streams::ChunkWindow* window_{};
  proto::ChunkPtr current_;  ///< a chunk of which some was sent
  std::uint64_t bytes_sent_{};
  std::string owed_;  ///< text to be sent before anything else: the head, an error answer, the end
  UniqueFd socket_;
  Phase phase_{Phase::Waiting};
  proto::http::BodyFraming framing_;
  Pause pause_{Pause::None};
  bool must_land_{};  ///< behind a jump: the chunk at next_ is to be marked
  bool is_paced_{};   ///< has a delay, or a limited rate
  bool end_is_owed_{};

  std::size_t owed_sent_{};
  std::size_t current_sent_{};
  std::uint64_t skips_{};
  streams::Archive* archive_{};
  JoinPlace place_;
  SteadyTime joined_at_;
  std::chrono::nanoseconds hold_{};          ///< what is younger has to wait
  std::chrono::nanoseconds began_behind_{};  ///< further back than the burst
  TokenBucket bucket_;
  AckWatch acks_;
  SteadyTime made_at_, ended_at_;
  std::optional<std::chrono::nanoseconds> join_time_;
  Listener* listener_{};
  const Clock& clock_;
  ClientInfo info_;
  loop::FdWatcher watcher_;
};

}  // namespace ace::clients
