#include "workers/http/client_address.h"

#include <vector>

namespace ace::http {
namespace {

using net::IpAddress;

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// The entries of all headers, which are one list, the last one first.
std::vector<std::string_view> forwarded_for(const proto::http::Request& request) {
  std::vector<std::string_view> entries;
  for (auto header = request.headers.rbegin(); header != request.headers.rend(); ++header) {
    if (header->name != "x-forwarded-for") continue;
    std::string_view list = header->value;
    for (;;) {
      const auto comma = list.rfind(',');
      entries.push_back(trim(comma == std::string_view::npos ? list : list.substr(comma + 1)));
      if (comma == std::string_view::npos) break;
      list = list.substr(0, comma);
    }
  }
  return entries;
}

}  // namespace

std::string client_address(const proto::http::Request& request, std::string_view peer,
                           const net::IpSet& trusted) {
  std::string client{peer};
  if (trusted.empty()) return client;
  auto address = IpAddress::parse_host_port(peer);
  for (const auto entry : forwarded_for(request)) {
    if (!trusted.contains(address)) break;
    const auto said = IpAddress::parse_host_port(entry);
    if (!said) break;
    address = said;
    client = said->text();
  }
  return client;
}

}  // namespace ace::http
