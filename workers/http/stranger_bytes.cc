#include "workers/http/stranger_bytes.h"

#include <algorithm>
#include <functional>
#include <string>

#include "shared/base/bytes.h"

namespace ace::http {
namespace {

using namespace ace::literals;

constexpr std::uint64_t kMostTotal = 64_MiB;
constexpr std::uint64_t kLeastTotal = 8_MiB;
/// What a provider gives to one subscriber.
constexpr unsigned kIpv6Prefix = 64;

std::optional<std::size_t> group_of(std::string_view peer, const net::IpSet& proxies) {
  const auto address = net::IpAddress::parse_host_port(peer);
  if (!address || proxies.contains(address)) return std::nullopt;
  const auto subscriber = address->is_v4() ? *address : address->masked(kIpv6Prefix);
  return std::hash<std::string>{}(subscriber.text()) % host::kAddressGroups;
}

}  // namespace

StrangerBytes::Limits StrangerBytes::limits_for(std::optional<std::uint64_t> memory) {
  const bool is_limited = memory && *memory > 0;
  const auto total = is_limited ? std::clamp(*memory / 8, kLeastTotal, kMostTotal) : kMostTotal;
  return {.total = total, .per_address = total / 8};
}

std::uint64_t StrangerBytes::total() const {
  std::uint64_t sum = 0;
  for (const auto& slot : board_.slots) sum += slot.stranger_bytes.load(std::memory_order_relaxed);
  return sum;
}

std::uint64_t StrangerBytes::of_group(std::size_t group) const {
  std::uint64_t sum = 0;
  for (const auto& slot : board_.slots) {
    sum += slot.stranger_bytes_by_address[group].load(std::memory_order_relaxed);
  }
  return sum;
}

StrangerBytes::Share::Share(StrangerBytes& all, std::string_view peer, const net::IpSet& proxies)
    : all_{all}, group_{group_of(peer, proxies)} {}

bool StrangerBytes::Share::hold(std::size_t bytes) {
  if (bytes > bytes_) {
    const auto more = bytes - bytes_;
    const auto& limits = all_.limits_;
    const bool has_room = all_.total() + more <= limits.total &&
                          (!group_ || all_.of_group(*group_) + more <= limits.per_address);
    if (!has_room) {
      all_.self_.strangers_refused.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
  }
  set(bytes);
  return true;
}

void StrangerBytes::Share::set(std::size_t bytes) {
  // Modulo arithmetic: what is added may be "less".
  const auto change = std::uint64_t{bytes} - bytes_;
  bytes_ = bytes;
  if (change == 0) return;
  all_.self_.stranger_bytes.fetch_add(change, std::memory_order_relaxed);
  if (!group_) return;
  all_.self_.stranger_bytes_by_address[*group_].fetch_add(static_cast<std::uint32_t>(change),
                                                          std::memory_order_relaxed);
}

}  // namespace ace::http
