#include "shared/config/address.h"

#include <fmt/format.h>
#include <sys/un.h>

#include <set>

#include "shared/base/text.h"
#include "shared/config/value.h"

namespace ace::config {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr std::string_view kDnsPrefix = "dns://";

struct HostPort {
  std::string host;
  std::uint16_t port{};
};

bool is_host_text(std::string_view host) {
  const auto is_bad = [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '/' || c == '@' || c == '?' || c == '#';
  };
  return std::none_of(host.begin(), host.end(), is_bad);
}

Result<HostPort> parse_host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto host = colon == std::string_view::npos ? std::string_view{} : text.substr(0, colon);
  const auto port = parse_number(colon == std::string_view::npos ? text : text.substr(colon + 1));
  if (!port || *port > 65535 || !is_host_text(host)) {
    return fail(Errc::InvalidArgument, fmt::format("\"{}\" is not host:port", text));
  }
  std::string bare{host};
  if (host.starts_with('[') && host.ends_with(']')) {
    bare = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return fail(Errc::InvalidArgument,
                fmt::format("\"{}\": an IPv6 address stands in brackets, as in [::1]:8000", text));
  }
  return HostPort{.host = std::move(bare), .port = static_cast<std::uint16_t>(*port)};
}

std::string host_port_text(const std::string& host, std::uint16_t port) {
  const bool is_v6 = host.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Status apply_engine_option(EngineAddress& engine, std::string_view option) {
  const auto equals = option.find('=');
  const auto key = option.substr(0, equals);
  const auto value =
      equals == std::string_view::npos ? std::string_view{} : option.substr(equals + 1);
  if (key == "name" && !value.empty() && is_utf8(value)) {
    engine.name = value;
    return {};
  }
  if (key == "forwarded" && (equals == std::string_view::npos || parse_bool(value))) {
    engine.forwarded = equals == std::string_view::npos || *parse_bool(value);
    return {};
  }
  if (const auto limit = parse_number(value); key == "max_streams" && limit && *limit <= 10000) {
    engine.max_streams = static_cast<std::uint32_t>(*limit);
    return {};
  }
  return fail(Errc::InvalidArgument,
              fmt::format("\"{}\" is not one of name=…, forwarded, max_streams=0..10000", option));
}

template <class Parse>
auto parse_list(std::string_view text, Parse parse)
    -> Result<std::vector<typename decltype(parse(text))::value_type>> {
  std::vector<typename decltype(parse(text))::value_type> items;
  for (const auto part : split(text, ',')) {
    if (part.empty()) continue;
    auto item = parse(part);
    if (!item) return fail(std::move(item).error());
    items.push_back(std::move(*item));
  }
  return items;
}

}  // namespace

std::string ListenAddress::text() const {
  if (!unix_path.empty()) return std::string{kUnixPrefix} + unix_path;
  return host_port_text(host, port);
}

std::string EngineAddress::text() const {
  std::string out = (is_dns ? std::string{kDnsPrefix} : std::string{}) + host_port_text(host, port);
  if (!name.empty()) out += ";name=" + name;
  if (forwarded) out += ";forwarded";
  if (max_streams != 0) out += fmt::format(";max_streams={}", max_streams);
  return out;
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) {
    const auto path = text.substr(kUnixPrefix.size());
    if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path)) {
      return fail(Errc::InvalidArgument, fmt::format("\"{}\": a socket's path has 1 to {} bytes",
                                                     text, sizeof(sockaddr_un::sun_path) - 1));
    }
    return ListenAddress{.host = {}, .port = 0, .unix_path = std::string{path}};
  }
  auto parsed = parse_host_port(text);
  if (!parsed) return fail(std::move(parsed).error());
  return ListenAddress{.host = std::move(parsed->host), .port = parsed->port, .unix_path = {}};
}

Result<EngineAddress> parse_engine_address(std::string_view text) {
  const auto parts = split(text, ';');
  const bool is_dns = parts.front().starts_with(kDnsPrefix);
  auto parsed = parse_host_port(parts.front().substr(is_dns ? kDnsPrefix.size() : 0));
  if (!parsed) return fail(std::move(parsed).error());
  if (parsed->host.empty() || parsed->port == 0) {
    return fail(Errc::InvalidArgument,
                fmt::format("\"{}\" is not an engine's host:port", parts.front()));
  }
  EngineAddress engine;
  engine.host = std::move(parsed->host);
  engine.port = parsed->port;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].empty()) continue;
    if (auto applied = apply_engine_option(engine, parts[i]); !applied) {
      return fail(std::move(applied).error());
    }
  }
  engine.is_dns = is_dns;
  if (is_dns && !engine.name.empty()) {
    return fail(Errc::InvalidArgument,
                fmt::format("\"{}\": the addresses of a name cannot share one more", text));
  }
  return engine;
}

Result<std::vector<ListenAddress>> parse_listen_list(std::string_view text) {
  auto addresses = parse_list(text, parse_listen_address);
  if (!addresses) return addresses;
  for (auto at = addresses->begin(); at != addresses->end(); ++at) {
    const bool differs = at->unix_path.empty() && at->port == 0;  // the kernel sees to it
    if (!differs && std::find(addresses->begin(), at, *at) != at) {
      return fail(Errc::InvalidArgument, fmt::format("{} stands there twice", at->text()));
    }
  }
  return addresses;
}

Result<std::vector<EngineAddress>> parse_engine_list(std::string_view text) {
  auto engines = parse_list(text, parse_engine_address);
  if (!engines) return engines;
  std::set<std::string> names;
  for (const auto& engine : *engines) {
    auto name = engine.name.empty() ? fmt::format("{}:{}", engine.host, engine.port) : engine.name;
    if (!names.insert(name).second) {
      return fail(Errc::InvalidArgument, fmt::format("two engines are called {}", name));
    }
  }
  return engines;
}

}  // namespace ace::config
