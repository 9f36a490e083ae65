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
      status_{services, host_name, answers_},
      stream_{services, streams, host_name, gate_, answers_},
      engines_{engines, gate_, answers_} {
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
  router_.get("/metrics", [this](Connection& connection, const Request& request) {
    status_.metrics(connection, request);
  });
  router_.get("/workers", [this](Connection& connection, const Request& request) {
    status_.workers(connection, request);
  });
  route_control();
}

void Endpoints::route_control() {
  router_.get("/streams/*", [this](Connection& connection, const Request& request) {
    stream_.show(connection, request);
  });
  router_.remove("/streams/*", [this](Connection& connection, const Request& request) {
    stream_.end(connection, request);
  });
  router_.post("/streams/*/migrate", [this](Connection& connection, const Request& request) {
    stream_.migrate(connection, request);
  });
  router_.remove("/streams/*/clients/*", [this](Connection& connection, const Request& request) {
    stream_.kick(connection, request);
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
  router_.post("/engines/*/drain", [this](Connection& connection, const Request& request) {
    engines_.drain(connection, request, EnginesHandler::Drain::Begin);
  });
  router_.remove("/engines/*/drain", [this](Connection& connection, const Request& request) {
    engines_.drain(connection, request, EnginesHandler::Drain::End);
  });
}

}  // namespace ace::http
