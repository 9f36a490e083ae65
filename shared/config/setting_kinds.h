#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "shared/config/setting_base.h"
#include "shared/config/value.h"

/// The kinds of settings there are, each made of a member of Config and what is allowed for it. For
/// the tables *_settings.cc alone.
namespace ace::config {

template <class Member>
Setting duration(const Names& names, Member member, milliseconds least, milliseconds most) {
  Setting setting = named(names);
  setting.unit = "duration";
  setting.allowed = format_duration(least) + ".." + format_duration(most);
  setting.set = [=](Config& config, std::string_view text) -> Status {
    const auto value = parse_duration(text);
    if (!value || *value < least || *value > most) return not_allowed();
    member(config) = *value;
    return {};
  };
  setting.get = [=](const Config& config) { return format_duration(member(config)); };
  return finished(std::move(setting));
}

template <class Member>
Setting size(const Names& names, Member member, std::size_t least, std::size_t most) {
  Setting setting = named(names);
  setting.unit = "size";
  setting.allowed = format_size(least) + ".." + format_size(most);
  setting.set = [=](Config& config, std::string_view text) -> Status {
    const auto value = parse_size(text);
    if (!value || *value < least || *value > most) return not_allowed();
    member(config) = *value;
    return {};
  };
  setting.get = [=](const Config& config) { return format_size(member(config)); };
  return finished(std::move(setting));
}

template <class Member>
Setting count(const Names& names, Member member, std::uint64_t least, std::uint64_t most) {
  using Value = std::decay_t<decltype(member(std::declval<Config&>()))>;
  Setting setting = named(names);
  setting.unit = "count";
  setting.allowed = fmt::format("{}..{}", least, most);
  setting.set = [=](Config& config, std::string_view text) -> Status {
    const auto value = parse_number(trim(text));
    if (!value || *value < least || *value > most) return not_allowed();
    member(config) = static_cast<Value>(*value);
    return {};
  };
  setting.get = [=](const Config& config) { return fmt::format("{}", member(config)); };
  return finished(std::move(setting));
}

template <class Member>
Setting flag(const Names& names, Member member) {
  Setting setting = named(names);
  setting.unit = "switch";
  setting.allowed = "true|false";
  setting.set = [=](Config& config, std::string_view text) -> Status {
    const auto value = parse_bool(trim(text));
    if (!value) return not_allowed();
    member(config) = *value;
    return {};
  };
  setting.get = [=](const Config& config) -> std::string {
    return member(config) ? "true" : "false";
  };
  return finished(std::move(setting));
}

template <class Member>
Setting ip_set(const Names& names, Member member) {
  Setting setting = named(names);
  setting.unit = "addresses";
  setting.allowed = "IPv4 and IPv6 addresses, networks (192.168.0.0/16) or unix";
  setting.is_list = true;
  setting.set = [=](Config& config, std::string_view text) -> Status {
    auto parsed = net::IpSet::parse(text);
    if (!parsed) return fail(std::move(parsed).error());
    member(config) = std::move(*parsed);
    return {};
  };
  setting.get = [=](const Config& config) { return member(config).text(); };
  return finished(std::move(setting));
}

enum class Secrecy { Public, Secret };

template <class Member>
Setting text(const Names& names, std::string_view unit, Member member,
             Secrecy secrecy = Secrecy::Public) {
  Setting setting = named(names);
  setting.unit = unit;
  setting.allowed = "one line of text";
  setting.is_secret = secrecy == Secrecy::Secret;
  setting.set = [=](Config& config, std::string_view value) -> Status {
    // Control characters would end up in an AUTH command, a header or a path by mistake only.
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
    if (std::any_of(value.begin(), value.end(), is_control)) return not_allowed();
    member(config) = std::string{value};
    return {};
  };
  setting.get = [=](const Config& config) { return member(config); };
  return finished(std::move(setting));
}

template <class Member, class Parse>
Setting address_list(const Names& names, std::string_view allowed, Member member, Parse parse) {
  Setting setting = named(names);
  setting.unit = "addresses";
  setting.allowed = allowed;
  setting.is_list = true;
  setting.set = [=](Config& config, std::string_view text) -> Status {
    auto items = parse(text);
    if (!items) return fail(std::move(items).error());
    if (items->empty()) return not_allowed();
    member(config) = std::move(*items);
    return {};
  };
  setting.get = [=](const Config& config) {
    std::string all;
    for (const auto& item : member(config)) all += (all.empty() ? "" : ",") + item.text();
    return all;
  };
  return finished(std::move(setting));
}

}  // namespace ace::config
