#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ace::net {

/// An address of either family. An IPv4 address that is written as an IPv6 one (`::ffff:1.2.3.4`)
/// is the IPv4 address: who came over which kind of socket must not decide what he may.
class IpAddress {
 public:
  /// `1.2.3.4`, `2001:db8::1`, `::ffff:1.2.3.4`. No brackets, port, zone or white space; no octets
  /// of other bases or with leading zeros.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
  /// The same with what stands around it in logs and headers: `1.2.3.4:5`, `[2001:db8::1]`,
  /// `[2001:db8::1]:5`.
  [[nodiscard]] static std::optional<IpAddress> parse_host_port(std::string_view text);

  [[nodiscard]] bool is_v4() const { return is_v4_; }
  /// 32 or 128.
  [[nodiscard]] unsigned bits() const { return is_v4_ ? 32 : 128; }
  /// Whether the first `prefix` bits are those of `other`, which is of the same family.
  [[nodiscard]] bool shares_prefix(const IpAddress& other, unsigned prefix) const;
  /// With the bits behind the first `prefix` cleared.
  [[nodiscard]] IpAddress masked(unsigned prefix) const;
  [[nodiscard]] std::string text() const;

  bool operator==(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};  ///< of IPv4 the first four
  bool is_v4_{};
};

/// An address without the port behind it; what is no address stays as it is.
[[nodiscard]] std::string without_port(std::string_view text);

}  // namespace ace::net
