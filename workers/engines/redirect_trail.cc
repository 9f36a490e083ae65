#include "workers/engines/redirect_trail.h"

#include <strings.h>

#include "proto/engine/engine_words.h"
#include "shared/curl/url.h"

namespace ace::engines {
namespace {

constexpr int kMaxRedirects = 3;

}  // namespace

Result<std::string> RedirectTrail::next(const std::string& url, const std::string& location) {
  if (++followed_ > kMaxRedirects) return fail(Errc::Protocol, "too many redirects");
  const auto here = curl::Url::parse(url);
  if (!here) return fail(here.error());
  const auto there = here->resolve(location);
  if (!there) return fail(there.error());
  // Both spelled by libcurl: the same address reads the same.
  if (there->host() != here->host() || there->port() != engine_.port) {
    return fail(Errc::Protocol,
                "redirect to another host: " + proto::engine::one_line(there->text()));
  }
  return proto::engine::rebuilt_url(there->text(), engine_.authority());
}

}  // namespace ace::engines
