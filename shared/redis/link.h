#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/redis/address.h"
#include "shared/redis/reply.h"

namespace ace::redis {

using Args = std::vector<std::string>;

/// One connection to a Redis server from connect() to its end. It knows bytes and replies; who may
/// enter, how long to wait and when to try again is Session's.
class Link {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_link_connected() = 0;
    /// The answers, in the order of the commands.
    virtual void on_link_reply(Result<Reply> reply) = 0;
    /// What a subscription brings; no command asked for it.
    virtual void on_link_push(Reply message) = 0;
    /// The other side took or gave bytes although nothing is answered yet.
    virtual void on_link_progress() = 0;
    /// The last call. Commands without an answer will get none.
    virtual void on_link_lost(Error why) = 0;
  };

  virtual ~Link() = default;
  virtual void send(const Args& args) = 0;
  /// The listener is not called any more; the connection ends when the last holder lets go.
  virtual void close() = 0;
};

using LinkFactory = std::function<Result<std::shared_ptr<Link>>(const Address&, Link::Listener&)>;

/// Largest value or buffered answer that is believed: far above any chunk.
inline constexpr std::size_t kMaxReplyBytes = std::size_t{64} << 20U;
/// Largest number of elements in one answer.
inline constexpr std::size_t kMaxReplyElements = std::size_t{1} << 20U;

}  // namespace ace::redis
