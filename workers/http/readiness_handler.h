#pragma once

#include <memory>

#include "workers/engines/engine_registry.h"
#include "workers/http/answers.h"
#include "workers/http/connection.h"
#include "workers/http/getstream_handler.h"
#include "workers/streams/session/stream_services.h"

namespace ace::http {

/// `GET /readyz`, for load balancers: 200 while a new stream can be served, else 503 and why not.
/// Redis that cannot be used is no reason: it is told, and the host serves from memory. What Redis
/// does not tell within a moment is judged without it, for who asks waits a second at most.
class ReadinessHandler {
 public:
  /// Everything outlives it.
  ReadinessHandler(streams::StreamServices& services, engines::EngineRegistry& engines,
                   const GetstreamHandler& getstream, const Answers& answers);

  void handle(Connection& connection, const proto::http::Request& request) const;

 private:
  struct Asked;
  void answer_once(Asked& asked, const std::vector<engines::EngineReport>& engines) const;
  [[nodiscard]] std::string page(const proto::http::Request& request,
                                 const std::vector<engines::EngineReport>& engines) const;

  streams::StreamServices& services_;
  engines::EngineRegistry& engines_;
  const GetstreamHandler& getstream_;
  const Answers& answers_;
  std::shared_ptr<const ReadinessHandler*> alive_;
};

}  // namespace ace::http
