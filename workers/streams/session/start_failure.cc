#include "workers/streams/session/start_failure.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace ace::streams {
namespace {

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::optional<int> number(std::string_view text) {
  int value{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc{}) return std::nullopt;
  return value;
}

}  // namespace

std::string to_text(const StartFailure& failure) {
  auto text = fmt::format("{}\n{}\n{}\n", failure.status, failure.code, one_line(failure.message));
  for (const auto& engine : failure.engines) {
    text += fmt::format("{}\n{}\n{}\n", engine.engine_id, static_cast<int>(engine.error.code),
                        one_line(engine.error.text));
  }
  return text;
}

StartFailure parse_start_failure(std::string_view text) {
  StartFailure failure;
  failure.status = number(take_line(text)).value_or(failure.status);
  failure.code = take_line(text);
  failure.message = take_line(text);
  while (text.find('\n') != std::string_view::npos) {
    EngineFailure engine;
    engine.engine_id = take_line(text);
    const auto code = number(take_line(text));
    engine.error = {static_cast<Errc>(code.value_or(static_cast<int>(Errc::System))),
                    std::string{take_line(text)}};
    failure.engines.push_back(std::move(engine));
  }
  return failure;
}

StartFailure stopping() {
  return {
      .status = 503, .code = "stopping", .message = "the proxy is being stopped", .engines = {}};
}

StartFailure ended() {
  return {.status = 503, .code = "ended", .message = "the stream was ended", .engines = {}};
}

StartFailure kicked() {
  return {.status = 503,
          .code = "kicked",
          .message = "this viewer was disconnected by an order",
          .engines = {}};
}

StartFailure owner_silent(std::chrono::milliseconds waited) {
  return {.status = 503,
          .code = "owner_silent",
          .message = fmt::format("the worker that plays this stream brought nothing within {} ms",
                                 waited.count()),
          .engines = {}};
}

StartFailure no_owner(std::chrono::milliseconds waited) {
  return {
      .status = 503,
      .code = "no_owner",
      .message = fmt::format("who plays this stream was not settled within {} ms", waited.count()),
      .engines = {}};
}

StartFailure start_failure(std::vector<EngineFailure> engines) {
  const auto any_with = [&](Errc code) {
    return std::ranges::any_of(engines,
                               [code](const EngineFailure& f) { return f.error.code == code; });
  };
  StartFailure failure{.status = 503,
                       .code = "no_engine",
                       .message = "no engine can be reached or has room",
                       .engines = {}};
  if (any_with(Errc::Refused) || any_with(Errc::Protocol) || any_with(Errc::Closed) ||
      any_with(Errc::TooLarge) || any_with(Errc::NotFound)) {
    failure = {.status = 502,
               .code = "engine_error",
               .message = "the engine cannot play this stream",
               .engines = {}};
  } else if (any_with(Errc::Timeout)) {
    failure = {.status = 504,
               .code = "engine_timeout",
               .message = "the engine did not deliver in time",
               .engines = {}};
  }
  failure.engines = std::move(engines);
  return failure;
}

}  // namespace ace::streams
