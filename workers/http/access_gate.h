#pragma once

#include <cstdint>

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

  /// The references outlive it.
  AccessGate(const ApiKey& key, Reads reads, const Answers& answers)
      : key_{key}, reads_{reads}, answers_{answers} {}

  /// True: there is nothing left to do.
  [[nodiscard]] bool refuses(Connection& connection, const proto::http::Request& request,
                             Access access) const;

 private:
  [[nodiscard]] bool needs_key(Access access) const;

  const ApiKey& key_;
  Reads reads_;
  const Answers& answers_;
};

}  // namespace ace::http
