#pragma once

#include <string>
#include <utility>

#include "proto/http/request.h"

namespace ace::http {

/// The key that clients of the control interface show: `Authorization: Bearer …`.
class ApiKey {
 public:
  /// Empty: everybody is admitted.
  explicit ApiKey(std::string key) : key_{std::move(key)} {}

  [[nodiscard]] bool is_needed() const { return !key_.empty(); }
  /// Takes the same time for every wrong key of one length.
  [[nodiscard]] bool admits(const proto::http::Request& request) const;

 private:
  std::string key_;
};

/// Whether a page of another origin makes its reader's browser send this, by Origin or
/// Sec-Fetch-Site. A form may post without asking anybody, from inside a network that its author
/// cannot reach.
[[nodiscard]] bool is_from_foreign_page(const proto::http::Request& request);

}  // namespace ace::http
