#pragma once

#include <string_view>
#include <utility>

#include "shared/base/result.h"
#include "shared/config/config.h"
#include "shared/config/settings.h"

/// What every kind of setting is made with. For setting_kinds.h and the tables *_settings.cc alone.
namespace ace::config {

/// Reaches one member of a Config, const or not.
template <class Value>
auto at(Value Config::*member) {
  return [=](auto& config) -> auto& { return config.*member; };
}
template <class Part, class Value>
auto at(Part Config::*part, Value Part::*member) {
  return [=](auto& config) -> auto& { return (config.*part).*member; };
}

struct Names {
  std::string_view group;
  std::string_view key;
  std::string_view alias;
  std::string_view sentence;
};

inline tl::unexpected<Error> not_allowed() { return fail(Errc::InvalidArgument, {}); }

inline Setting named(const Names& names) {
  Setting setting;
  setting.group = names.group;
  setting.key = names.key;
  setting.alias = names.alias;
  setting.sentence = names.sentence;
  return setting;
}

inline Setting finished(Setting setting) {
  setting.default_text = setting.get(Config{});
  return setting;
}

}  // namespace ace::config
