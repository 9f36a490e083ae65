#pragma once

#include <cstddef>
#include <cstdint>

#include "shared/base/clock.h"

namespace ace::clients {

/// How fast a client may be fed.
struct ClientRate {
  std::uint64_t bytes_per_second{};  ///< 0: as fast as it takes them
  std::uint64_t burst{};             ///< bytes at once, for who has rested
  constexpr bool operator==(const ClientRate&) const = default;
};

/// Lets a rate through, and a burst after a rest. Full at first. More may be taken than is there,
/// as writes are made of whole chunks: then the debt has to be earned before anything else may go.
class TokenBucket {
 public:
  void set_rate(ClientRate rate, SteadyTime now);
  [[nodiscard]] bool is_limited() const { return rate_.bytes_per_second > 0; }
  [[nodiscard]] bool may_take(SteadyTime now) const;
  void take(std::size_t bytes, SteadyTime now);

 private:
  [[nodiscard]] double level(SteadyTime now) const;

  ClientRate rate_;
  double level_{};  ///< at filled_at_
  SteadyTime filled_at_;
};

}  // namespace ace::clients
