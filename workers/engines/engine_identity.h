#pragma once

#include <string>
#include <string_view>

namespace ace::engines {

/// Who answered at an engine's address: two spellings of one engine have the same. Both are empty
/// until it has answered.
struct EngineIdentity {
  std::string endpoint;  ///< "1.2.3.4:6878", "[::1]:6878"
  std::string device;    ///< as the engine calls itself; many do not
  bool operator==(const EngineIdentity&) const = default;
};

/// One endpoint is one engine. An IPv4 and an IPv6 address with one port are, if the engine calls
/// itself the same at both. Containers of one image may share that name, but each has its own
/// address of a family.
[[nodiscard]] bool is_same_engine(const EngineIdentity& one, const EngineIdentity& other);

/// An IPv4 address that is written as an IPv6 one, or an address that can be written in several
/// ways, in its usual form; a name as it is.
[[nodiscard]] std::string usual_host(std::string_view host);

}  // namespace ace::engines
