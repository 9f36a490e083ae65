#pragma once

#include <string>

#include "workers/http/answers.h"
#include "workers/http/getstream_handler.h"
#include "workers/http/router.h"
#include "workers/http/status_handler.h"

namespace ace::http {

/// Every path that a worker answers, with the handlers behind them.
class Endpoints {
 public:
  /// Everything outlives them.
  Endpoints(streams::StreamServices& services, streams::StreamManager& streams,
            std::string host_name, GetstreamHandler::Limits limits);
  Endpoints(const Endpoints&) = delete;
  Endpoints& operator=(const Endpoints&) = delete;

  [[nodiscard]] const Router& router() const { return router_; }

 private:
  Answers answers_;
  Router router_{answers_};
  GetstreamHandler getstream_;
  StatusHandler status_;
};

}  // namespace ace::http
