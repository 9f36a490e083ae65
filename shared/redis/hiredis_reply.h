#pragma once

struct redisReply;
struct redisAsyncContext;

#include <functional>
#include <set>
#include <string>

#include "shared/base/result.h"
#include "shared/redis/reply.h"

namespace ace::redis {

/// hiredis' reply as ours. An error, also one inside an array (a script's), is the whole answer.
[[nodiscard]] Result<Reply> from_hiredis(const redisReply& reply);

/// What the guards of a connection look at; must outlive the connection's last read.
struct ReplyGuard {
  redisAsyncContext& context;
  /// Channels whose SUBSCRIBE the server has not confirmed yet.
  std::set<std::string, std::less<>> unconfirmed;
};

/// hiredis ends the process (its asserts are compiled in) when a server says something that nobody
/// asked for: 0.14 at malformed pushes, 1.2 also when a channel is confirmed that was not
/// subscribed. This makes its reader refuse such a reply while it is being read, which ends the
/// connection as out of memory would. Call it once, before the first byte is read.
void guard_replies(ReplyGuard& guard);

}  // namespace ace::redis
