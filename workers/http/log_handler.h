#pragma once

#include "workers/http/answers.h"
#include "workers/http/connection.h"

namespace ace::http {

/// `/log`: what is worth a line, on this whole host, until it is told otherwise or the settings are
/// read again.
class LogHandler {
 public:
  explicit LogHandler(const Answers& answers) : answers_{answers} {}

  /// `GET /log`
  void show(Connection& connection, const proto::http::Request& request) const;
  /// `POST /log?level=debug`
  void change(Connection& connection, const proto::http::Request& request) const;

 private:
  const Answers& answers_;
};

}  // namespace ace::http
