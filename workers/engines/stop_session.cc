#include "workers/engines/stop_session.h"

#include <memory>
#include <utility>

#include "proto/engine/engine_api.h"
#include "shared/curl/fetch.h"
#include "shared/curl/url.h"
#include "shared/log/log.h"

namespace ace::engines {
namespace {

struct StopJob {
  std::string engine_id;
  std::function<void()> done;
  std::unique_ptr<curl::Fetch> fetch;
};

/// Metadata may come from another worker's hand: only its path and query are believed.
Result<std::string> stop_url(const SessionInfo& info) {
  auto rebuilt = proto::engine::rebuilt_url(info.command_url, {info.host, info.port});
  if (!rebuilt) return rebuilt;
  auto url = curl::Url::parse(*rebuilt);
  if (!url) return fail(std::move(url).error());
  url->append_query("method", "stop");
  return url->text();
}

void report(const std::string& engine_id, const Result<curl::Answer>& answer) {
  const auto accepted = answer ? proto::engine::parse_command(answer->body) : fail(answer.error());
  log::debug("engine_stop", "engine={} result={:?}", engine_id,
             accepted ? "stopped" : accepted.error().text);
}

}  // namespace

void stop_session(curl::Multi& multi, loop::TimerFactory& timers, const SessionInfo& info,
                  std::function<void()> done, SessionTimeouts limits) {
  const auto url = stop_url(info);
  if (!url) {
    log::debug("engine_stop", "engine={} result={:?}", info.engine_id, url.error().text);
    if (done) multi.loop().post(std::move(done));
    return;
  }
  const auto job = std::make_shared<StopJob>();
  job->engine_id = info.engine_id;
  job->done = std::move(done);
  const auto answered = [&multi, weak = std::weak_ptr{job}](const Result<curl::Answer>& answer) {
    const auto self = weak.lock();
    if (!self) return;
    report(self->engine_id, answer);
    multi.drop(self.get());
    if (self->done) self->done();
  };
  const curl::Request request{.url = *url, .connect_timeout = limits.connect};
  const curl::FetchLimits bounds{.bytes = proto::engine::kMaxAnswerBytes,
                                 .deadline = limits.command};
  job->fetch = std::make_unique<curl::Fetch>(multi, timers, request, bounds, answered);
  multi.keep(job);
}

}  // namespace ace::engines
