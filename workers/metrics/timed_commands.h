#pragma once

#include <string>
#include <vector>

#include "coordinator/host/shared_histogram.h"
#include "shared/base/clock.h"
#include "shared/redis/client.h"

namespace ace::metrics {

/// Commands whose answers are timed on their way through. What was never sent, or never answered,
/// is not counted: an outage has numbers of its own.
class TimedCommands final : public redis::Commands {
 public:
  /// Everything outlives it, and every answer.
  TimedCommands(redis::Commands& commands, const Clock& clock, host::SharedHistogram& times)
      : commands_{commands}, clock_{clock}, times_{times} {}

  void command(std::vector<std::string> args, redis::ReplyCallback callback) override;
  void eval(const redis::Script& script, const std::vector<std::string>& keys,
            const std::vector<std::string>& args, redis::ReplyCallback callback) override;
  [[nodiscard]] bool is_up() const override { return commands_.is_up(); }

 private:
  [[nodiscard]] redis::ReplyCallback timed(redis::ReplyCallback callback) const;

  redis::Commands& commands_;
  const Clock& clock_;
  host::SharedHistogram& times_;
};

}  // namespace ace::metrics
