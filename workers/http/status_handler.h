#pragma once

#include "workers/http/answers.h"
#include "workers/http/built_page.h"
#include "workers/http/connection.h"
#include "workers/streams/session/stream_services.h"

namespace ace::http {

/// What people and their monitors ask: any worker answers for the whole host, out of shared memory.
class StatusHandler {
 public:
  StatusHandler(streams::StreamServices& services, std::string hostname, const Answers& answers);

  /// `GET /healthz`: this worker is alive; whether Redis is there.
  void health(Connection& connection, const proto::http::Request& request) const;
  /// `GET /streams[?status=started]`: an array of the host's streams.
  void streams(Connection& connection, const proto::http::Request& request) const;
  /// `GET /workers`: an array of the host's workers with what each does.
  void workers(Connection& connection, const proto::http::Request& request) const;
  /// `GET /metrics`: the host's numbers, for Prometheus.
  void metrics(Connection& connection, const proto::http::Request& request) const;

 private:
  [[nodiscard]] std::string streams_json(bool started_only) const;
  [[nodiscard]] std::string workers_json() const;
  [[nodiscard]] std::string worker_id(const host::SlotBoard& slot) const;

  streams::StreamServices& services_;
  std::string hostname_;
  const Answers& answers_;
  mutable BuiltPage metrics_, all_streams_, started_streams_, workers_;
};

}  // namespace ace::http
