#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coordinator/host/redis_trouble.h"
#include "shared/base/result.h"
#include "shared/redis/reply.h"

namespace ace::ownership {

/// The oldest server whose scripts may bear flags.
inline constexpr unsigned kOldestRedis = 7;

/// Why Redis cannot be used, in words for people.
struct RedisUnfitness {
  host::RedisTrouble trouble{};
  std::string message;
  /// It may have been so for a while: since the last trial, or without an answer for a deadline.
  bool is_since_before{true};
  bool operator==(const RedisUnfitness&) const = default;
};

/// What the answers of a trial mean. Pure. Each answers nothing when all is well, or when only the
/// connection failed: that is told otherwise. `user`: whom the connections log in as.

/// Of HELLO: version, mode and role. A server that does not tell them is tried all the same.
[[nodiscard]] std::optional<RedisUnfitness> judge_server(const Result<redis::Reply>& hello);
/// Of a command that was sent by itself.
[[nodiscard]] std::optional<RedisUnfitness> judge_command(std::string_view user,
                                                          std::string_view command,
                                                          const Result<redis::Reply>& reply);
/// Of kTrialScript, sent by `command`.
[[nodiscard]] std::optional<RedisUnfitness> judge_script(std::string_view user,
                                                         std::string_view command,
                                                         const Result<redis::Reply>& reply);
/// Nothing is heard; `why` as the subscribed connection has it.
[[nodiscard]] RedisUnfitness deafness(std::string_view user, std::string_view why);

}  // namespace ace::ownership
