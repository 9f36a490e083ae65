#include "shared/redis/channel_set.h"

#include <algorithm>

namespace ace::redis {

ChannelSet::Action ChannelSet::want(const std::string& channel) {
  auto& entry = channels_[channel];
  entry.is_wanted = true;
  if (!is_connected_ || entry.phase != Phase::Absent) return Action::None;
  entry.phase = Phase::Subscribing;
  return Action::Subscribe;
}

ChannelSet::Action ChannelSet::unwant(const std::string& channel) {
  const auto found = channels_.find(channel);
  if (found == channels_.end()) return Action::None;
  found->second.is_wanted = false;
  if (found->second.phase == Phase::Absent) {
    channels_.erase(found);
    return Action::None;
  }
  if (found->second.phase != Phase::Subscribed) return Action::None;
  found->second.phase = Phase::Unsubscribing;
  return Action::Unsubscribe;
}

ChannelSet::Action ChannelSet::subscribed(const std::string& channel) {
  const auto found = channels_.find(channel);
  if (found == channels_.end() || found->second.phase != Phase::Subscribing) return Action::None;
  found->second.phase = Phase::Subscribed;
  return found->second.is_wanted ? Action::None : unwant(channel);
}

ChannelSet::Action ChannelSet::unsubscribed(const std::string& channel) {
  const auto found = channels_.find(channel);
  if (found == channels_.end() || found->second.phase != Phase::Unsubscribing) return Action::None;
  found->second.phase = Phase::Absent;
  if (found->second.is_wanted) return want(channel);
  channels_.erase(found);
  return Action::None;
}

std::vector<std::string> ChannelSet::connected() {
  is_connected_ = true;
  std::vector<std::string> wanted;
  for (auto& [channel, entry] : channels_) {
    entry.phase = Phase::Subscribing;
    wanted.push_back(channel);
  }
  return wanted;
}

void ChannelSet::disconnected() {
  is_connected_ = false;
  std::erase_if(channels_, [](const auto& entry) { return !entry.second.is_wanted; });
  for (auto& [channel, entry] : channels_) entry.phase = Phase::Absent;
}

bool ChannelSet::is_wanted(std::string_view channel) const {
  const auto found = channels_.find(channel);
  return found != channels_.end() && found->second.is_wanted;
}

std::size_t ChannelSet::unconfirmed() const {
  const auto is_under_way = [](const auto& entry) {
    return entry.second.phase == Phase::Subscribing || entry.second.phase == Phase::Unsubscribing;
  };
  return static_cast<std::size_t>(std::count_if(channels_.begin(), channels_.end(), is_under_way));
}

}  // namespace ace::redis
