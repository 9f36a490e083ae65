#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"

namespace ace::proto::http {

struct QueryParam {
  std::string name;
  std::string value;
};

/// What a request asks for, taken apart once.
struct Target {
  std::string text;                ///< as it was sent
  std::string path;                ///< percent-decoded; `+` is a plus sign here
  std::string authority;           ///< host[:port] of an absolute-form target, else empty
  std::vector<QueryParam> params;  ///< decoded (`+` is a space), in order, repeats kept

  /// Takes visible ASCII: origin-form ("/a?b=c"), absolute-form ("http://host/a?b=c") or "*".
  /// InvalidArgument for any other form, a bad or NUL escape, a fragment, user information, or `..`
  /// in the path.
  [[nodiscard]] static Result<Target> parse(std::string_view text);
  /// Value of the first parameter of this name; valid as long as the target is.
  [[nodiscard]] std::optional<std::string_view> query(std::string_view name) const;
};

enum class Plus { IsPlus, IsSpace };
/// InvalidArgument for an escape that is not % and two hex digits, and for %00.
[[nodiscard]] Result<std::string> percent_decode(std::string_view text, Plus plus);

/// Whether `text` is a reg-name, IPv4 or [IPv6] address, with an optional port: what Host may hold.
[[nodiscard]] bool is_host_and_port(std::string_view text);

}  // namespace ace::proto::http
