#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "workers/http/answers.h"
#include "workers/http/api_key.h"
#include "workers/http/connection.h"

namespace ace::http {

/// Who may ask for a path.
enum class Access : std::uint8_t {
  Open,    ///< everybody: probes of a host's health
  Stream,  ///< players, which cannot show a key
  Read,    ///< who has the key, where reads are protected too; else everybody
  Change,  ///< who has the key, where there is one, and no page of another origin
};

/// Before everything that is asked: who may not is answered here.
class AccessGate {
 public:
  enum class Reads : std::uint8_t { Open, Protected };

  /// `host_names`: names of this proxy, in lower case. The references outlive it.
  AccessGate(const ApiKey& key, Reads reads, std::vector<std::string> host_names,
             const Answers& answers)
      : key_{key}, reads_{reads}, host_names_{std::move(host_names)}, answers_{answers} {}

  /// True: there is nothing left to do.
  [[nodiscard]] bool refuses(Connection& connection, const proto::http::Request& request,
                             Access access) const;

 private:
  [[nodiscard]] bool needs_key(Access access) const;
  /// Changes only: what a page could make its reader's browser send is answered here.
  [[nodiscard]] bool refuses_change(Connection& connection,
                                    const proto::http::Request& request) const;

  const ApiKey& key_;
  Reads reads_;
  std::vector<std::string> host_names_;
  const Answers& answers_;
};

/// Whether a request's Host is an address, `localhost` or one of `names`. Nobody but its owner can
/// point one of these somewhere else; every other name may be a page's own that its author pointed
/// to this proxy (DNS rebinding), and whose pages are of the same origin then. No Host: no browser.
[[nodiscard]] bool is_host_of_proxy(std::string_view host, const std::vector<std::string>& names);

/// Whether a body is announced that does not say to be JSON. A form cannot say so: a browser asks
/// first.
[[nodiscard]] bool has_other_body(const proto::http::Request& request);

}  // namespace ace::http
