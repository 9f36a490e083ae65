#pragma once

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "shared/curl/multi.h"
#include "tests/integration/engines/scripted_engine.h"
#include "tests/support/clock/fake_timers.h"
#include "workers/engines/engine_session.h"

namespace ace::test {

constexpr std::string_view kMedia = "HTTP/1.1 200 OK\r\nContent-Type: video/MP2T\r\n\r\n";

/// Bytes that tell where they stand, so that a lost or doubled one shows.
inline std::string pattern(std::size_t size) {
  std::string bytes;
  bytes.reserve(size + 16);
  for (std::size_t i = 0; bytes.size() < size; ++i) bytes += fmt::format("{:x},", i);
  bytes.resize(size);
  return bytes;
}

struct SessionWatcher final : engines::EngineSession::Listener {
  std::optional<engines::SessionInfo> info;
  std::string bytes;
  std::optional<Error> error;
  int failures{};
  int refusals{};
  std::function<bool()> takes;  // empty: always
  std::function<void()> on_open;
  std::function<void()> on_headers;
  std::function<void()> on_failed;

  void on_session_open(const engines::SessionInfo& got) override {
    info = got;
    if (on_open) on_open();
  }
  void on_session_headers() override {
    if (on_headers) on_headers();
  }
  bool on_session_bytes(ByteSpan got) override {
    if (takes && !takes()) {
      ++refusals;
      return false;
    }
    bytes.append(as_text(got));
    return true;
  }
  void on_session_failed(const Error& why) override {
    error = why;
    ++failures;
    if (on_failed) on_failed();
  }
};

/// One scripted engine, and a session of it under test.
struct SessionWorld {
  static constexpr std::string_view kId = "0123456789abcdef0123456789abcdef01234567";

  loop::Loop loop;
  loop::UvTimerFactory timers{loop};
  ManualClock clock;
  FakeTimers patience{clock};  ///< of who asks the engine: it ends when a test says so
  ScriptedEngine engine{loop};
  curl::Multi multi{loop, timers};
  engines::EngineAddress address{.host = "127.0.0.1",
                                 .port = engine.port(),
                                 .name = "living",
                                 .forwarded = true,
                                 .max_streams = 0};
  engines::SessionTimeouts limits{.connect = std::chrono::seconds{20}};  // in real time: libcurl's
  SessionWatcher watcher;
  std::unique_ptr<engines::EngineSession> session;

  /// As an engine in a container says it: with an address that is not the one called.
  [[nodiscard]] std::string getstream_json() const {
    return R"({"response":{"playback_url":"http://172.17.0.2:6878/ace/r/1/2",)"
           R"("stat_url":"http://172.17.0.2:6878/ace/stat/1/2",)"
           R"("command_url":"http://172.17.0.2:6878/ace/cmd/1/2",)"
           R"("playback_session_id":"s1","is_live":1,"is_encrypted":0},"error":null})";
  }
  void answer_getstream() {
    engine.on("/ace/getstream",
              [json = getstream_json()](auto& connection) { connection.answer(200, json); });
  }
  void play(ScriptedEngine::Script media) {
    engine.on("/ace/r/", [media = std::move(media)](auto& connection) {
      connection.send(kMedia);
      media(connection);
    });
  }
  void make() {
    session = std::make_unique<engines::EngineSession>(
        multi, patience, address, proto::StreamId::parse(kId).value(), limits, watcher);
  }
  void start() {
    make();
    session->start();
  }
  bool run(const std::function<bool()>& done) { return run_until(loop, done); }
  /// Runs until the session has failed.
  Error failure() {
    const bool has_failed = run([this] { return watcher.error.has_value(); });
    return has_failed ? *watcher.error : Error{Errc::System, "the session never failed"};
  }
};

}  // namespace ace::test
