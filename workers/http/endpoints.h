#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "workers/http/access_gate.h"
#include "workers/http/answers.h"
#include "workers/http/api_key.h"
#include "workers/http/engines_handler.h"
#include "workers/http/getstream_handler.h"
#include "workers/http/log_handler.h"
#include "workers/http/readiness_handler.h"
#include "workers/http/router.h"
#include "workers/http/status_handler.h"
#include "workers/http/stream_gate.h"
#include "workers/http/stream_handler.h"

namespace ace::http {

struct EndpointOptions {
  std::string host_name;
  std::vector<std::string> allowed_hosts;  ///< more names of this host, for changes
  std::string api_key;                     ///< empty: none is needed
  AccessGate::Reads reads{};
  StreamGate gate{{}, {}};
  GetstreamHandler::Limits limits;
};

/// Every path that a worker answers, with the handlers behind them.
class Endpoints {
 public:
  /// One method of one path. openapi.json describes them all.
  struct Row {
    std::string_view path;  ///< as Router takes it
    proto::http::Method method{};
    Access access{};
    void (*handle)(Endpoints&, Connection&, proto::http::Request){};
  };
  [[nodiscard]] static std::span<const Row> table();

  /// Everything outlives them.
  Endpoints(streams::StreamServices& services, streams::StreamManager& streams, films::Films& films,
            engines::EngineRegistry& engines, const streams::MemoryBudget& memory,
            EndpointOptions options);
  Endpoints(const Endpoints&) = delete;
  Endpoints& operator=(const Endpoints&) = delete;

  [[nodiscard]] const Router& router() const { return router_; }

 private:
  /// True: there is nothing left to do.
  [[nodiscard]] bool refuses_stream(Connection& connection,
                                    const proto::http::Request& request) const;

  Answers answers_;
  ApiKey key_;
  AccessGate gate_;
  StreamGate stream_gate_;
  Router router_{answers_};
  GetstreamHandler getstream_;
  ReadinessHandler readiness_;
  StatusHandler status_;
  StreamHandler stream_;
  EnginesHandler engines_;
  LogHandler log_{answers_};
};

}  // namespace ace::http
