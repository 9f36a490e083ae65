#include "workers/engines/engine_query.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "proto/engine/engine_words.h"

namespace ace::engines {
namespace {

/// What is asked, of whom, and in which words a failure names both.
struct Question {
  std::string url;
  std::string context;
};

Result<proto::engine::StatAnswer> parse_stat(const curl::Answer& answer) {
  return proto::engine::parse_stat(answer.body);
}
Result<bool> parse_network_status(const curl::Answer& answer) {
  return proto::engine::parse_network_status(answer.body);
}
Result<EngineSelf> parse_self(const curl::Answer& answer) {
  auto parsed = proto::engine::parse_version(answer.body);
  if (!parsed) return fail(std::move(parsed).error());
  const auto split = answer.peer.rfind(':');
  auto host = answer.peer.substr(0, split);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  const proto::engine::Authority peer{
      usual_host(host),
      static_cast<std::uint16_t>(std::strtoul(answer.peer.c_str() + split + 1, nullptr, 10))};
  return EngineSelf{.version = std::move(parsed->version),
                    .identity = {.endpoint = peer.text(), .device = std::move(parsed->device)}};
}

template <class T>
std::unique_ptr<curl::Fetch> ask(curl::Multi& multi, loop::TimerFactory& timers, Question question,
                                 const SessionTimeouts& limits,
                                 Result<T> (*parse)(const curl::Answer&),
                                 QueryCallback<T> callback) {
  const curl::Request request{.url = std::move(question.url), .connect_timeout = limits.connect};
  const curl::FetchLimits bounds{.bytes = proto::engine::kMaxAnswerBytes,
                                 .deadline = limits.command};
  return std::make_unique<curl::Fetch>(
      multi, timers, request, bounds,
      [parse, context = std::move(question.context),
       callback = std::move(callback)](Result<curl::Answer> answer) {
        Result<T> result = answer ? parse(*answer) : Result<T>{fail(answer.error())};
        if (result) return callback(std::move(result));
        // Other words than the engine's own: the status says more than "not a json object".
        const bool is_no_answer =
            answer && answer->status != 200 && result.error().code == Errc::Protocol;
        if (!is_no_answer) return callback(fail(result.error().in(context)));
        const auto words = proto::engine::words_of(answer->body);
        callback(fail(Errc::Refused, fmt::format("{}: status {}{}{}", context, answer->status,
                                                 words.empty() ? "" : ": ", words)));
      });
}

}  // namespace

Result<std::unique_ptr<curl::Fetch>> ask_stat(curl::Multi& multi, loop::TimerFactory& timers,
                                              const SessionInfo& info,
                                              const SessionTimeouts& limits,
                                              QueryCallback<proto::engine::StatAnswer> callback) {
  const auto context = fmt::format("{}: stat", info.engine_id);
  if (info.stat_url.empty()) return fail(Errc::NotFound, context + ": the engine gave no url");
  auto url = proto::engine::rebuilt_url(info.stat_url, {info.host, info.port});
  if (!url) return fail(std::move(url).error().in(context));
  return ask<proto::engine::StatAnswer>(multi, timers, {std::move(*url), context}, limits,
                                        &parse_stat, std::move(callback));
}

std::unique_ptr<curl::Fetch> ask_version(curl::Multi& multi, loop::TimerFactory& timers,
                                         const EngineAddress& engine, const SessionTimeouts& limits,
                                         QueryCallback<EngineSelf> callback) {
  return ask<EngineSelf>(
      multi, timers,
      {proto::engine::url_of(engine.authority(), proto::engine::version_target()),
       fmt::format("{}: version", engine.id())},
      limits, &parse_self, std::move(callback));
}

std::unique_ptr<curl::Fetch> ask_network_status(curl::Multi& multi, loop::TimerFactory& timers,
                                                const EngineAddress& engine,
                                                const SessionTimeouts& limits,
                                                QueryCallback<bool> callback) {
  return ask<bool>(
      multi, timers,
      {proto::engine::url_of(engine.authority(), proto::engine::network_status_target()),
       fmt::format("{}: network status", engine.id())},
      limits, &parse_network_status, std::move(callback));
}

}  // namespace ace::engines
