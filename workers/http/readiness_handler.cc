#include "workers/http/readiness_handler.h"

#include <chrono>
#include <utility>

#include "workers/http/json_text.h"
#include "workers/http/readiness.h"
#include "workers/http/router.h"

namespace ace::http {

using proto::http::Request;

namespace {

constexpr std::chrono::milliseconds kPatience{200};

/// What keeps Redis from being used, or used well; nothing while all is well.
void write_redis_trouble(JsonWriter& out, const streams::StreamServices& services) {
  std::optional<ownership::RedisUnfitness> trouble = services.redis_unfitness;
  if (!trouble && services.redis_is_full()) {
    trouble = {host::RedisTrouble::Full,
               "Redis has no memory left for chunks: each stream is served by its owner's worker"};
  }
  if (!trouble) return;
  out.Key("redis_trouble");
  out.StartObject();
  write(out, "code", host::to_string(trouble->trouble));
  write(out, "message", trouble->message);
  out.EndObject();
}

}  // namespace

struct ReadinessHandler::Asked {
  Connection& connection;
  Request request;
  std::unique_ptr<loop::Timer> patience;  ///< none: it was answered
};

ReadinessHandler::ReadinessHandler(streams::StreamServices& services,
                                   engines::EngineRegistry& engines,
                                   const GetstreamHandler& getstream, const Answers& answers)
    : services_{services},
      engines_{engines},
      getstream_{getstream},
      answers_{answers},
      alive_{std::make_shared<const ReadinessHandler*>(this)} {}

void ReadinessHandler::handle(Connection& connection, const Request& request) const {
  const auto asked = std::make_shared<Asked>(
      Asked{.connection = connection, .request = request, .patience = services_.timers.make()});
  const auto self = std::weak_ptr{alive_};
  asked->patience->once(kPatience, [self, weak = std::weak_ptr{asked}] {
    const auto handler = self.lock();
    const auto still = weak.lock();
    if (handler && still) {
      (*handler)->answer_once(*still, (*handler)->engines_.report_of_host());
    }
  });
  engines_.report([self, asked](const std::vector<engines::EngineReport>& engines) {
    if (const auto handler = self.lock()) (*handler)->answer_once(*asked, engines);
  });
}

void ReadinessHandler::answer_once(Asked& asked,
                                   const std::vector<engines::EngineReport>& engines) const {
  if (!asked.patience) return;
  // Once answered the connection is another request's, or nobody's.
  const auto patience = std::move(asked.patience);
  answer(asked.connection, asked.request, page(asked.request, engines));
}

std::string ReadinessHandler::page(const Request& request,
                                   const std::vector<engines::EngineReport>& engines) const {
  std::optional<Unreadiness> fullness;
  if (auto full = getstream_.fullness()) fullness = {full->failure.code, full->failure.message};
  const auto reasons = unreadiness({.phase = services_.me().phase.load(std::memory_order_relaxed),
                                    .fullness = std::move(fullness),
                                    .engines = engines});
  rapidjson::StringBuffer buffer;
  JsonWriter out{buffer};
  out.StartObject();
  write_flag(out, "ready", reasons.empty());
  write(out, "worker", services_.worker_id.value);
  write(out, "redis", services_.redis_is_up() ? "up" : "down");
  write_redis_trouble(out, services_);
  out.Key("reasons");
  out.StartArray();
  for (const auto& reason : reasons) {
    out.StartObject();
    write(out, "code", reason.code);
    write(out, "message", reason.message);
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  return answers_.json(request, reasons.empty() ? 200 : 503,
                       {buffer.GetString(), buffer.GetSize()});
}

}  // namespace ace::http
