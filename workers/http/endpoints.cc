#include "workers/http/endpoints.h"

#include <utility>

namespace ace::http {

using proto::http::Request;

Endpoints::Endpoints(streams::StreamServices& services, streams::StreamManager& streams,
                     engines::EngineRegistry& engines, std::string host_name, std::string api_key,
                     GetstreamHandler::Limits limits)
    : answers_{services.worker_id, services.clock},
      key_{std::move(api_key)},
      getstream_{services, streams, answers_, limits},
      status_{services, std::move(host_name), answers_},
      engines_{engines, key_, answers_} {
  // Old sets play only what ends like a file.
  for (const auto* path : {"/ace/getstream", "/ace/getstream.ts", "/ace/*.ts"}) {
    router_.get(path, [this](Connection& connection, Request request) {
      getstream_.handle(connection, std::move(request));
    });
  }
  router_.get("/healthz", [this](Connection& connection, const Request& request) {
    status_.health(connection, request);
  });
  router_.get("/streams", [this](Connection& connection, const Request& request) {
    status_.streams(connection, request);
  });
  router_.get("/engines", [this](Connection& connection, const Request& request) {
    engines_.list(connection, request);
  });
  router_.post("/engines", [this](Connection& connection, const Request& request) {
    engines_.add(connection, request);
  });
  router_.remove("/engines", [this](Connection& connection, const Request& request) {
    engines_.remove(connection, request);
  });
  router_.get("/metrics", [this](Connection& connection, const Request& request) {
    status_.metrics(connection, request);
  });
  router_.get("/workers", [this](Connection& connection, const Request& request) {
    status_.workers(connection, request);
  });
}

}  // namespace ace::http
