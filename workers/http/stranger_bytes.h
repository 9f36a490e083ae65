#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "coordinator/host/scoreboard.h"
#include "shared/net/ip_set.h"

namespace ace::http {

/// Bytes that the workers of this host hold for strangers, who need no key for it: requests that
/// are not whole, with their bodies, and answers that are not read. Bounded for each address and in
/// total, since the workers and their viewers share one memory.
///
/// What one worker holds stands in its slot of the scoreboard, so that it is forgotten with the
/// worker. Addresses that fall into one of the kAddressGroups share a bound.
class StrangerBytes {
 public:
  struct Limits {
    std::uint64_t total{};        ///< of all workers
    std::uint64_t per_address{};  ///< likewise; an IPv6 address stands for its /64
  };
  /// Of a host whose memory limit is known, an eighth of it, from 8 to 64 MiB; one address gets an
  /// eighth of that.
  [[nodiscard]] static Limits limits_for(std::optional<std::uint64_t> memory);

  /// `self` is the slot of this worker. Both outlive it.
  StrangerBytes(const host::Scoreboard& board, host::SlotBoard& self, Limits limits)
      : board_{board}, self_{self}, limits_{limits} {}

  /// Of all workers.
  [[nodiscard]] std::uint64_t total() const;

  /// What is held for one connection; given back at its end.
  class Share {
   public:
    /// `peer` as Connection has it. Of a unix socket, and of `proxies`, everybody's connections
    /// come from one address: only the total counts.
    Share(StrangerBytes& all, std::string_view peer, const net::IpSet& proxies);
    ~Share() { set(0); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    /// Holds `bytes` from now on, instead of what it was. False: more than may be held, which is
    /// counted; what was held before is still.
    [[nodiscard]] bool hold(std::size_t bytes);

   private:
    void set(std::size_t bytes);

    StrangerBytes& all_;
    std::optional<std::size_t> group_;
    std::size_t bytes_{};
  };

 private:
  [[nodiscard]] std::uint64_t of_group(std::size_t group) const;

  const host::Scoreboard& board_;
  host::SlotBoard& self_;
  Limits limits_;
};

}  // namespace ace::http
