#include "workers/http/endpoints.h"

#include <array>
#include <utility>

#include "shared/log/log.h"
#include "workers/http/openapi_page.h"
#include "workers/http/version_page.h"

namespace ace::http {
namespace {

std::vector<std::string> host_names(const EndpointOptions& options) {
  auto names = options.allowed_hosts;
  names.push_back(options.host_name);
  return names;
}

}  // namespace

using proto::http::Method;
using proto::http::Request;

std::span<const Endpoints::Row> Endpoints::table() {
  using E = Endpoints;
  using C = Connection;
  constexpr auto kPlay = [](E& e, C& c, Request r) { e.getstream_.handle(c, std::move(r)); };
  static constexpr std::array kRows{
      // Old sets play only what ends like a file.
      Row{"/ace/getstream", Method::Get, Access::Stream, kPlay},
      Row{"/ace/getstream.ts", Method::Get, Access::Stream, kPlay},
      Row{"/ace/*.ts", Method::Get, Access::Stream, kPlay},
      Row{"/healthz", Method::Get, Access::Open,
          [](E& e, C& c, Request r) { e.status_.health(c, r); }},
      Row{"/readyz", Method::Get, Access::Open,
          [](E& e, C& c, Request r) { e.readiness_.handle(c, r); }},
      Row{"/version", Method::Get, Access::Read,
          [](E& e, C& c, Request r) { answer(c, r, e.answers_.json(r, 200, version_page())); }},
      Row{"/openapi.json", Method::Get, Access::Read,
          [](E& e, C& c, Request r) { answer(c, r, e.answers_.json(r, 200, openapi_page())); }},
      Row{"/log", Method::Get, Access::Read, [](E& e, C& c, Request r) { e.log_.show(c, r); }},
      Row{"/log", Method::Post, Access::Change, [](E& e, C& c, Request r) { e.log_.change(c, r); }},
      Row{"/metrics", Method::Get, Access::Read,
          [](E& e, C& c, Request r) { e.status_.metrics(c, r); }},
      Row{"/workers", Method::Get, Access::Read,
          [](E& e, C& c, Request r) { e.status_.workers(c, r); }},
      Row{"/streams", Method::Get, Access::Read,
          [](E& e, C& c, Request r) { e.status_.streams(c, r); }},
      Row{"/streams/*", Method::Get, Access::Read,
          [](E& e, C& c, Request r) { e.stream_.show(c, r); }},
      Row{"/streams/*", Method::Delete, Access::Change,
          [](E& e, C& c, Request r) { e.stream_.end(c, r); }},
      Row{"/streams/*/migrate", Method::Post, Access::Change,
          [](E& e, C& c, Request r) { e.stream_.migrate(c, r); }},
      Row{"/streams/*/clients/*", Method::Delete, Access::Change,
          [](E& e, C& c, Request r) { e.stream_.kick(c, r); }},
      Row{"/engines", Method::Get, Access::Read,
          [](E& e, C& c, Request r) { e.engines_.list(c, r); }},
      Row{"/engines", Method::Post, Access::Change,
          [](E& e, C& c, Request r) { e.engines_.add(c, r); }},
      Row{"/engines", Method::Delete, Access::Change,
          [](E& e, C& c, Request r) { e.engines_.remove(c, r); }},
      Row{"/engines/*/drain", Method::Post, Access::Change,
          [](E& e, C& c, Request r) { e.engines_.drain(c, r, EnginesHandler::Drain::Begin); }},
      Row{"/engines/*/drain", Method::Delete, Access::Change,
          [](E& e, C& c, Request r) { e.engines_.drain(c, r, EnginesHandler::Drain::End); }},
  };
  return kRows;
}

Endpoints::Endpoints(streams::StreamServices& services, streams::StreamManager& streams,
                     films::Films& films, engines::EngineRegistry& engines,
                     const streams::MemoryBudget& memory, EndpointOptions options)
    : answers_{services.worker_id, services.clock},
      key_{std::move(options.api_key)},
      gate_{key_, options.reads, host_names(options), answers_},
      stream_gate_{std::move(options.gate)},
      getstream_{services, streams, films, memory, answers_, options.limits},
      readiness_{services, engines, getstream_, answers_},
      status_{services, options.host_name, answers_},
      stream_{services, streams, options.host_name, answers_},
      engines_{engines, answers_} {
  for (const auto& row : table()) {
    router_.add(
        row.path, row.method,
        [this, &row](Connection& connection, const Request& request) {
          return !gate_.refuses(connection, request, row.access) &&
                 !(row.access == Access::Stream && refuses_stream(connection, request));
        },
        [this, &row](Connection& connection, Request request) {
          row.handle(*this, connection, std::move(request));
        });
  }
}

bool Endpoints::refuses_stream(Connection& connection, const Request& request) const {
  auto admitted = stream_gate_.admit(request, connection.client());
  if (admitted) {
    connection.trace().user = std::move(*admitted);
    return false;
  }
  const auto& denial = admitted.error();
  log::info("stream_denied", "request={} client={} code={}", request.id, connection.client(),
            denial.code);
  answer(connection, request, answers_.error(request, 403, denial.code, denial.message));
  return true;
}

}  // namespace ace::http
