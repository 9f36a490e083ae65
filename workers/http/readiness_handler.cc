#include "workers/http/readiness_handler.h"

#include <utility>

#include "workers/http/json_text.h"
#include "workers/http/readiness.h"
#include "workers/http/router.h"

namespace ace::http {

using proto::http::Request;

ReadinessHandler::ReadinessHandler(streams::StreamServices& services,
                                   engines::EngineRegistry& engines,
                                   const GetstreamHandler& getstream, const Answers& answers)
    : services_{services},
      engines_{engines},
      getstream_{getstream},
      answers_{answers},
      alive_{std::make_shared<const ReadinessHandler*>(this)} {}

void ReadinessHandler::handle(Connection& connection, const Request& request) const {
  engines_.report([weak = std::weak_ptr{alive_}, &connection,
                   request](const std::vector<engines::EngineReport>& engines) {
    if (const auto self = weak.lock()) {
      answer(connection, request, (*self)->page(request, engines));
    }
  });
}

std::string ReadinessHandler::page(const Request& request,
                                   const std::vector<engines::EngineReport>& engines) const {
  const auto reasons = unreadiness({.phase = services_.me().phase.load(std::memory_order_relaxed),
                                    .is_full = getstream_.is_full(),
                                    .engines = engines});
  rapidjson::StringBuffer buffer;
  JsonWriter out{buffer};
  out.StartObject();
  write_flag(out, "ready", reasons.empty());
  write(out, "worker", services_.worker_id.value);
  write(out, "redis", services_.redis_is_up() ? "up" : "down");
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
