#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/config/config.h"

namespace ace::config {

/// One setting, declared once: the flags, the environment, the config file, --help, --print-config
/// and the environment file in deploy/ are all made from it.
struct Setting {
  std::string_view group;     ///< heading in --help
  std::string_view key;       ///< environment name and key in the file: PROXY_WORKERS
  std::string_view alias;     ///< short flag besides --proxy-workers: --workers; may be empty
  std::string_view unit;      ///< what kind of value: count, duration, size, …
  std::string allowed;        ///< for people: "1..32 or auto"
  std::string_view sentence;  ///< what it does
  bool is_secret{};
  bool is_list{};
  /// Sets the member; fails without a text when `allowed` says it all.
  std::function<Status(Config&, std::string_view)> set;
  std::function<std::string(const Config&)> get;
  std::string default_text;  ///< what `set` would read back

  /// "--proxy-workers"
  [[nodiscard]] std::string flag() const;
};

/// That this process may run on.
[[nodiscard]] unsigned usable_cores();

[[nodiscard]] const std::vector<Setting>& settings();
/// By key in any case, dashes allowed ("proxy-workers"); null when there is none.
[[nodiscard]] const Setting* find_setting(std::string_view name);

}  // namespace ace::config
