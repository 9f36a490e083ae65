#pragma once

#include <string>
#include <string_view>

#include "proto/http/request.h"
#include "shared/net/ip_set.h"

namespace ace::http {

/// Whose request it is: the peer, or behind trusted proxies who stands nearest to them in
/// X-Forwarded-For. Each proxy adds whom it heard, so the list is believed from its right end on,
/// as far as trusted proxies wrote it; an entry that is no address ends that. `peer`:
/// "192.0.2.7:51234", "[2001:db8::1]:51234" or "unix"; what comes out has no port if it is another.
[[nodiscard]] std::string client_address(const proto::http::Request& request, std::string_view peer,
                                         const net::IpSet& trusted);

}  // namespace ace::http
