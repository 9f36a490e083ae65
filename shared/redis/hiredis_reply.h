#pragma once

struct redisReply;
struct redisAsyncContext;

#include "shared/base/result.h"
#include "shared/redis/reply.h"

namespace ace::redis {

/// hiredis' reply as ours. An error, also one inside an array (a script's), is the whole answer.
[[nodiscard]] Result<Reply> from_hiredis(const redisReply& reply);

/// hiredis 0.14 ends the process (its asserts are compiled in) when a server says something that
/// nobody asked for. This makes its reader refuse such a reply while it is being read, which ends
/// the connection as out of memory would. Call it once, before the first byte is read.
void guard_replies(redisAsyncContext& context);

}  // namespace ace::redis
