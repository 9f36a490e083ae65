#pragma once

#include <memory>
#include <string>
#include <vector>

#include "workers/engines/engine_registry.h"
#include "workers/http/answers.h"
#include "workers/http/connection.h"

namespace ace::http {

/// `/engines`: which there are and how they do; more of them, fewer of them.
class EnginesHandler {
 public:
  /// References must outlive it.
  EnginesHandler(engines::EngineRegistry& engines, const Answers& answers);

  /// `GET /engines`: an array.
  void list(Connection& connection, const proto::http::Request& request) const;
  /// `POST /engines`: adds the engine of the body, or replaces the one that was added by its name.
  void add(Connection& connection, const proto::http::Request& request) const;
  /// `DELETE /engines?name=…`: of one that was added. What it plays goes on.
  void remove(Connection& connection, const proto::http::Request& request) const;
  using Drain = engines::RuntimeEngines::Drain;
  /// `POST` and `DELETE /engines/{name}/drain`: its streams move to the others, or need not.
  void drain(Connection& connection, const proto::http::Request& request, Drain how) const;

 private:
  /// Why an engine may not be added; empty: it may.
  [[nodiscard]] std::string conflict_of(const std::string& id, const std::string& address) const;

  engines::EngineRegistry& engines_;
  const Answers& answers_;
  std::shared_ptr<const EnginesHandler*> alive_;
};

}  // namespace ace::http
