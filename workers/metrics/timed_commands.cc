#include "workers/metrics/timed_commands.h"

#include <utility>

namespace ace::metrics {

void TimedCommands::command(std::vector<std::string> args, redis::ReplyCallback callback) {
  commands_.command(std::move(args), timed(std::move(callback)));
}

void TimedCommands::eval(const redis::Script& script, const std::vector<std::string>& keys,
                         const std::vector<std::string>& args, redis::ReplyCallback callback) {
  commands_.eval(script, keys, args, timed(std::move(callback)));
}

redis::ReplyCallback TimedCommands::timed(redis::ReplyCallback callback) const {
  return [&clock = clock_, &times = times_, sent = clock_.now(),
          callback = std::move(callback)](Result<redis::Reply> reply) {
    // An error that Redis itself says is an answer, too.
    if (reply || reply.error().code == Errc::Refused) times.add(clock.now() - sent);
    callback(std::move(reply));
  };
}

}  // namespace ace::metrics
