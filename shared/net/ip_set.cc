#include "shared/net/ip_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace ace::net {
namespace {

constexpr std::string_view kUnix = "unix";

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

/// Digits alone, without leading zeros: "08" is a slip whatever it means.
std::optional<unsigned> parse_prefix(std::string_view text) {
  unsigned value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool has_leading_zero = text.size() > 1 && text.front() == '0';
  if (error != std::errc{} || end != text.data() + text.size() || has_leading_zero) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

Result<IpSet::Network> IpSet::parse_network(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) {
    return fail(Errc::InvalidArgument, fmt::format("\"{}\" is not an address or network", text));
  }
  if (slash == std::string_view::npos) return Network{*address, address->bits()};
  // How many bits a mapped address's prefix counts, nobody can tell.
  const bool is_mapped = address->is_v4() && text.find(':') != std::string_view::npos;
  const auto prefix = parse_prefix(text.substr(slash + 1));
  if (!prefix || *prefix > address->bits() || is_mapped) {
    return fail(Errc::InvalidArgument,
                fmt::format("\"{}\": the network's size is 0 to {} bits", text, address->bits()));
  }
  const auto first = address->masked(*prefix);
  if (first != *address) {
    return fail(Errc::InvalidArgument,
                fmt::format("\"{}\" is inside a network; did you mean {}/{}?", text, first.text(),
                            *prefix));
  }
  return Network{first, *prefix};
}

Result<IpSet> IpSet::parse(std::string_view list) {
  IpSet set;
  while (!list.empty()) {
    const auto item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(item.size() + 1, list.size()));
    const auto text = trim(item);
    if (text.empty()) continue;
    if (text == kUnix) {
      set.has_unix_ = true;
      continue;
    }
    auto network = parse_network(text);
    if (!network) return fail(std::move(network).error());
    set.networks_.push_back(*network);
  }
  return set;
}

bool IpSet::contains(const IpAddress& address) const {
  return std::ranges::any_of(networks_, [&](const Network& network) {
    return address.shares_prefix(network.first, network.prefix);
  });
}

std::string IpSet::text() const {
  std::string all{has_unix_ ? kUnix : std::string_view{}};
  for (const auto& network : networks_) {
    if (!all.empty()) all += ',';
    all += network.first.text();
    if (network.prefix != network.first.bits()) all += fmt::format("/{}", network.prefix);
  }
  return all;
}

}  // namespace ace::net
