#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "shared/base/clock.h"
#include "shared/loop/loop.h"
#include "tests/engine_sim/connection.h"
#include "tests/engine_sim/faults.h"
#include "tests/engine_sim/film.h"
#include "tests/engine_sim/listener.h"
#include "tests/engine_sim/playback.h"
#include "tests/engine_sim/session_table.h"

namespace ace::sim {

struct EngineOptions {
  std::chrono::milliseconds start_delay{0};  ///< before getstream answers
  std::chrono::milliseconds prebuffer{0};    ///< from then until the playback url answers
  std::chrono::milliseconds session_linger{10'000};
  BodyFraming framing{BodyFraming::UntilClose};
};

struct EngineCounts {
  std::uint64_t stops_received{};
  std::uint64_t playbacks_opened{};
  SteadyTime last_begin{};  ///< when the first media of the newest playback was due
  std::map<std::string, std::uint64_t> requests;  ///< by endpoint
};

/// One AceStream engine's HTTP API: sessions, their playback, and what goes wrong with them. All
/// that takes time happens in tick(), which its owner calls every few milliseconds.
class Engine {
 public:
  /// Answers `/sim/…`, whatever the faults are.
  using SimApi = std::function<std::string(const Request&)>;

  Engine(loop::Loop& loop, const EngineOptions& options, SourceFactory make_source,
         StreamLedger& all_streams, SimApi sim_api);

  [[nodiscard]] Status listen(const std::string& address) { return listener_.bind(address); }
  void set_fault(Fault fault, const std::string& value);
  void clear_faults();
  void tick(SteadyTime now);

  [[nodiscard]] const std::string& address() const { return listener_.address(); }
  [[nodiscard]] const StreamLedger& streams() const { return ledger_; }
  [[nodiscard]] const EngineCounts& counts() const { return counts_; }
  [[nodiscard]] const Faults& faults() const { return faults_; }
  [[nodiscard]] std::size_t playback_connections() const {
    return playbacks_.size() + films_.size();
  }

 private:
  struct Delayed {
    SteadyTime at;
    std::uint64_t connection{};
    std::string reply;
  };

  void on_accept(UniqueFd fd);
  void on_request(Connection& connection, const Request& request);
  void on_getstream(Connection& connection, const Request& request);
  void on_session_url(Connection& connection, const Request& request);
  void on_playback(Connection& connection, const Request& request, Session* session);
  void on_command(Connection& connection, const Request& request, Session* session);
  void on_event(Connection& connection, Session* session);
  [[nodiscard]] bool answer_with_fault(Connection& connection, const Request& request,
                                       std::string_view endpoint);
  [[nodiscard]] bool redirect(Connection& connection, const Request& request,
                              std::string_view endpoint);
  void open_listener();
  void answer_later(Connection& connection, std::string reply);
  void end_playbacks_of_ended_sessions();
  void reap_closed(SteadyTime now);
  template <class Kind>
  void reap_closed(std::map<std::string, Kind>& playbacks, SteadyTime now);
  [[nodiscard]] Connection* find_connection(std::uint64_t id);
  [[nodiscard]] std::string base_url(const Request& request) const;

  loop::Loop& loop_;
  EngineOptions options_;
  SourceFactory make_source_;
  SimApi sim_api_;
  SystemClock clock_;
  Faults faults_;
  StreamLedger ledger_;
  SessionTable sessions_;
  EngineCounts counts_;
  std::uint64_t last_connection_{};
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::map<std::string, Playback> playbacks_;  ///< by the session's key
  std::map<std::string, FilmPlayback> films_;  ///< likewise
  std::vector<Delayed> delayed_;
  Listener listener_;
};

}  // namespace ace::sim
