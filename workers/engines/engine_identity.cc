#include "workers/engines/engine_identity.h"

#include <algorithm>

#include "shared/net/ip_address.h"

namespace ace::engines {
namespace {

std::string_view port_of(std::string_view endpoint) {
  return endpoint.substr(std::min(endpoint.rfind(':'), endpoint.size()));
}

}  // namespace

bool is_same_engine(const EngineIdentity& one, const EngineIdentity& other) {
  if (one.endpoint.empty() || other.endpoint.empty()) return false;
  if (one.endpoint == other.endpoint) return true;
  if (one.device.empty() || one.device != other.device) return false;
  const bool are_families_different =
      one.endpoint.starts_with('[') != other.endpoint.starts_with('[');
  return are_families_different && port_of(one.endpoint) == port_of(other.endpoint);
}

std::string usual_host(std::string_view host) {
  const auto address = net::IpAddress::parse(host);
  return address ? address->text() : std::string{host};
}

}  // namespace ace::engines
