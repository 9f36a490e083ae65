#include "shared/net/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace ace::net {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_port(std::string_view text) {
  std::uint16_t port{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  const std::string terminated{text};
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  IpAddress address;
  if (::inet_pton(AF_INET, terminated.c_str(), address.bytes_.data()) == 1) {
    address.is_v4_ = true;
    return address;
  }
  if (::inet_pton(AF_INET6, terminated.c_str(), address.bytes_.data()) != 1) return std::nullopt;
  if (!std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes_.begin())) {
    return address;
  }
  IpAddress mapped;
  std::copy_n(address.bytes_.begin() + kMappedPrefix.size(), 4, mapped.bytes_.begin());
  mapped.is_v4_ = true;
  return mapped;
}

std::optional<IpAddress> IpAddress::parse_host_port(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const auto after = text.substr(end + 1);
    if (!after.empty() && (after.front() != ':' || !is_port(after.substr(1)))) return std::nullopt;
    const auto inside = parse(text.substr(1, end - 1));
    // Brackets are IPv6's, a mapped address included.
    return text.substr(1, end - 1).find(':') == std::string_view::npos ? std::nullopt : inside;
  }
  const auto colon = text.find(':');
  const bool has_port = colon != std::string_view::npos && text.find(':', colon + 1) == text.npos;
  if (!has_port) return parse(text);
  if (!is_port(text.substr(colon + 1))) return std::nullopt;
  return parse(text.substr(0, colon));
}

bool IpAddress::shares_prefix(const IpAddress& other, unsigned prefix) const {
  return is_v4_ == other.is_v4_ && masked(prefix) == other.masked(prefix);
}

IpAddress IpAddress::masked(unsigned prefix) const {
  IpAddress masked = *this;
  for (unsigned byte = 0; byte < masked.bytes_.size(); ++byte) {
    const unsigned kept = std::clamp(prefix, byte * 8, byte * 8 + 8) - byte * 8;
    masked.bytes_[byte] &= static_cast<std::uint8_t>(0xff00U >> kept);
  }
  return masked;
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(is_v4_ ? AF_INET : AF_INET6, bytes_.data(), text.data(), text.size());
  return text.data();
}

std::string without_port(std::string_view text) {
  const auto address = IpAddress::parse_host_port(text);
  return address ? address->text() : std::string{text};
}

}  // namespace ace::net
