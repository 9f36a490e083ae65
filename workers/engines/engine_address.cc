#include "workers/engines/engine_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace ace::engines {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_word(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), allowed);
}

template <class N>
std::optional<N> number(std::string_view text) {
  N value{};
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return value;
}

Status take_port(EngineAddress& engine, std::string_view text) {
  const auto port = number<std::uint16_t>(text);
  if (!port || *port == 0) return fail(Errc::InvalidArgument, "a port is a number from 1 to 65535");
  engine.port = *port;
  return {};
}

Status take_ipv6(EngineAddress& engine, std::string_view text) {
  const auto close = text.find(']');
  if (close == std::string_view::npos) return fail(Errc::InvalidArgument, "missing ]");
  engine.host = text.substr(1, close - 1);
  in6_addr parsed{};
  if (::inet_pton(AF_INET6, engine.host.c_str(), &parsed) != 1) {
    return fail(Errc::InvalidArgument, "brackets hold an IPv6 address");
  }
  const auto rest = text.substr(close + 1);
  if (rest.empty()) return {};
  if (rest.front() != ':') return fail(Errc::InvalidArgument, "after ] comes :port");
  return take_port(engine, rest.substr(1));
}

Status take_address(EngineAddress& engine, std::string_view text) {
  if (!text.empty() && text.front() == '[') return take_ipv6(engine, text);
  const auto colon = text.find(':');
  engine.host = text.substr(0, colon);
  if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos) {
    return fail(Errc::InvalidArgument, "an IPv6 address stands in brackets");
  }
  if (!is_word(engine.host)) return fail(Errc::InvalidArgument, "no host");
  return colon == std::string_view::npos ? Status{} : take_port(engine, text.substr(colon + 1));
}

Status take_option(EngineAddress& engine, std::string_view text) {
  const auto equals = text.find('=');
  const auto key = trimmed(text.substr(0, equals));
  const bool has_value = equals != std::string_view::npos;
  const auto value = has_value ? trimmed(text.substr(equals + 1)) : std::string_view{};
  if (key == "forwarded" && !has_value) {
    engine.forwarded = true;
    return {};
  }
  if (key == "name") {
    if (!is_word(value)) {
      return fail(Errc::InvalidArgument, "a name has letters, digits, dots, dashes, underscores");
    }
    engine.name = value;
    return {};
  }
  if (key == "max_streams") {
    const auto limit = number<unsigned>(value);
    if (!limit || *limit == 0) {
      return fail(Errc::InvalidArgument, "max_streams is a number from 1 on");
    }
    engine.max_streams = *limit;
    return {};
  }
  return fail(Errc::InvalidArgument, fmt::format("unknown option \"{}\"", text));
}

}  // namespace

Result<EngineAddress> EngineAddress::parse(std::string_view item) {
  const auto context = fmt::format("engine \"{}\"", item);
  EngineAddress engine;
  auto end = item.find(';');
  if (auto taken = take_address(engine, trimmed(item.substr(0, end))); !taken) {
    return fail(std::move(taken).error().in(context));
  }
  while (end != std::string_view::npos) {
    item.remove_prefix(end + 1);
    end = item.find(';');
    const auto option = trimmed(item.substr(0, end));
    if (option.empty()) continue;  // a semicolon at the end
    if (auto taken = take_option(engine, option); !taken) {
      return fail(std::move(taken).error().in(context));
    }
  }
  return engine;
}

std::string EngineAddress::id() const { return name.empty() ? authority().text() : name; }

}  // namespace ace::engines
