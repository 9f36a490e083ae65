#pragma once

#include "workers/http/answers.h"
#include "workers/http/api_key.h"
#include "workers/http/connection.h"

namespace ace::http {

/// Before everything that changes something: who may not is answered here.
class ControlGate {
 public:
  /// Both outlive it.
  ControlGate(const ApiKey& key, const Answers& answers) : key_{key}, answers_{answers} {}

  /// True: there is nothing left to do.
  [[nodiscard]] bool refuses(Connection& connection, const proto::http::Request& request) const;

 private:
  const ApiKey& key_;
  const Answers& answers_;
};

}  // namespace ace::http
