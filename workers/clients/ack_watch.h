#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "shared/base/clock.h"

namespace ace::clients {

/// What the kernel knows of a connection's way to its peer.
struct AckSample {
  std::uint64_t outstanding{};  ///< bytes that the socket has taken and the peer has not confirmed
  std::chrono::milliseconds since_last_ack{};
};

/// Nothing for a socket that is not TCP.
[[nodiscard]] std::optional<AckSample> sample_acks(int socket);

/// Whether a peer takes what it is sent. What counts is what it acknowledges, not what our own
/// socket takes: that may be minutes of a slow stream.
class AckWatch {
 public:
  explicit AckWatch(SteadyTime now) : last_ack_{now}, quiet_since_{now}, sampled_at_{now} {}

  /// `sent`: bytes that the socket has taken so far. `is_blocked`: it takes no more. Without a
  /// sample, what it takes has to stand for what arrives.
  void update(const std::optional<AckSample>& sample, std::uint64_t sent, bool is_blocked,
              SteadyTime now);

  [[nodiscard]] SteadyTime sampled_at() const { return sampled_at_; }
  /// When the peer took something last, as far as is known.
  [[nodiscard]] SteadyTime last_ack() const { return last_ack_; }
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
  /// How long something has been outstanding of which the peer took nothing.
  [[nodiscard]] std::chrono::nanoseconds quiet(SteadyTime now) const {
    return is_outstanding_ ? now - quiet_since_ : std::chrono::nanoseconds{0};
  }

 private:
  std::uint64_t acknowledged_{};
  SteadyTime last_ack_;
  SteadyTime quiet_since_;
  SteadyTime sampled_at_;
  bool is_outstanding_{};
};

}  // namespace ace::clients
