#include "workers/engines/orchestrator_watch.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "proto/engine/engine_list.h"
#include "shared/log/log.h"

namespace ace::engines {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kConnect{2'000};
constexpr milliseconds kAnswer{5'000};

std::string engines_url(std::string base) {
  if (base.empty()) return base;
  while (base.ends_with('/')) base.pop_back();
  return base + "/engines";
}

}  // namespace

OrchestratorWatch::OrchestratorWatch(curl::Multi& curl, loop::TimerFactory& timers,
                                     EngineDirectory& directory, const std::string& url,
                                     std::uint32_t max_streams, milliseconds every)
    : curl_{curl},
      timers_{timers},
      directory_{directory},
      url_{engines_url(url)},
      max_streams_{max_streams},
      timer_{timers.make()} {
  if (url_.empty()) return;
  ask();
  timer_->every(every, [this] { ask(); });
}

void OrchestratorWatch::stop() {
  timer_->stop();
  fetch_.reset();
}

void OrchestratorWatch::ask() {
  if (fetch_) return;
  // Redirects are not followed: the orchestrator is where the settings say it is.
  fetch_ = std::make_unique<curl::Fetch>(
      curl_, timers_, curl::Request{.url = url_, .connect_timeout = kConnect},
      curl::FetchLimits{.bytes = proto::engine::kMaxListBytes, .deadline = kAnswer},
      [this](const Result<curl::Answer>& answer) { on_answer(answer); });
}

void OrchestratorWatch::on_answer(const Result<curl::Answer>& answer) {
  fetch_.reset();
  if (!answer) return complain(answer.error().text);
  if (answer->status != 200) return complain(fmt::format("status {}", answer->status));
  const auto listed = proto::engine::parse_orchestrator(answer->body);
  if (!listed) return complain(listed.error().text);
  complaint_.clear();
  std::vector<EngineAddress> engines;
  for (const auto& engine : *listed) {
    engines.push_back({.host = engine.address.host,
                       .port = engine.address.port,
                       .name = engine.name,
                       .forwarded = engine.is_forwarded,
                       .max_streams = max_streams_});
  }
  directory_.set(EngineSource::Orchestrator, std::move(engines));
}

void OrchestratorWatch::complain(const std::string& why) {
  if (std::exchange(complaint_, why) == why) return;
  log::warn("orchestrator_silent", "why={:?}", why);
}

}  // namespace ace::engines
