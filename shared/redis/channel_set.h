#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ace::redis {

/// Which channels are wanted and how far the server has come with each. Pure. hiredis 0.14 aborts
/// on an UNSUBSCRIBE of what is not subscribed, so one is only ever sent for a confirmed channel,
/// and a change of mind waits for the confirmation of what is under way.
class ChannelSet {
 public:
  enum class Action { None, Subscribe, Unsubscribe };

  /// What is to be sent now. While not connected: nothing.
  Action want(const std::string& channel);
  Action unwant(const std::string& channel);
  Action subscribed(const std::string& channel);
  Action unsubscribed(const std::string& channel);

  /// A new connection, which has nothing yet: every wanted channel is to be subscribed.
  [[nodiscard]] std::vector<std::string> connected();
  void disconnected();

  [[nodiscard]] bool is_wanted(std::string_view channel) const;
  /// Channels whose SUBSCRIBE or UNSUBSCRIBE is not confirmed.
  [[nodiscard]] std::size_t unconfirmed() const;

 private:
  enum class Phase { Absent, Subscribing, Subscribed, Unsubscribing };
  struct Channel {
    bool is_wanted{};
    Phase phase{Phase::Absent};
  };

  bool is_connected_{};
  std::map<std::string, Channel, std::less<>> channels_;
};

}  // namespace ace::redis
