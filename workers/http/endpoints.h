#pragma once

#include <string>

#include "workers/http/answers.h"
#include "workers/http/api_key.h"
#include "workers/http/control_gate.h"
#include "workers/http/engines_handler.h"
#include "workers/http/getstream_handler.h"
#include "workers/http/router.h"
#include "workers/http/status_handler.h"
#include "workers/http/stream_handler.h"

namespace ace::http {

/// Every path that a worker answers, with the handlers behind them.
class Endpoints {
 public:
  /// Everything outlives them.
  Endpoints(streams::StreamServices& services, streams::StreamManager& streams,
            engines::EngineRegistry& engines, std::string host_name, std::string api_key,
            GetstreamHandler::Limits limits);
  Endpoints(const Endpoints&) = delete;
  Endpoints& operator=(const Endpoints&) = delete;

  [[nodiscard]] const Router& router() const { return router_; }

 private:
  void route_control();

  Answers answers_;
  ApiKey key_;
  ControlGate gate_{key_, answers_};
  Router router_{answers_};
  GetstreamHandler getstream_;
  StatusHandler status_;
  StreamHandler stream_;
  EnginesHandler engines_;
};

}  // namespace ace::http
