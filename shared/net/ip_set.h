#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/net/ip_address.h"

namespace ace::net {

/// Which addresses a setting means: single ones, networks, and who comes over a unix socket.
class IpSet {
 public:
  /// A comma list of `192.0.2.7`, `192.168.0.0/16`, `2001:db8::/32` and `unix`; empty items are
  /// skipped. A network is named by its first address. The error names the entry that is wrong.
  [[nodiscard]] static Result<IpSet> parse(std::string_view list);

  [[nodiscard]] bool empty() const { return networks_.empty() && !has_unix_; }
  [[nodiscard]] bool contains(const IpAddress& address) const;
  /// Nothing: a peer without an address, on a unix socket.
  [[nodiscard]] bool contains(const std::optional<IpAddress>& address) const {
    return address ? contains(*address) : has_unix_;
  }
  /// As parse() reads it.
  [[nodiscard]] std::string text() const;

  bool operator==(const IpSet&) const = default;

 private:
  struct Network {
    IpAddress first;
    unsigned prefix{};
    bool operator==(const Network&) const = default;
  };
  [[nodiscard]] static Result<Network> parse_network(std::string_view text);

  std::vector<Network> networks_;
  bool has_unix_{};
};

}  // namespace ace::net
