#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/clock.h"
#include "tests/engine_sim/source.h"
#include "tests/engine_sim/stream_ledger.h"

namespace ace::sim {

enum class SessionState {
  Alive,
  Stopped,     ///< by the command url
  Superseded,  ///< another player asked for the stream
  Abandoned,   ///< nobody read it for the linger time
};

/// One playback of one stream by one player.
struct Session {
  std::string infohash;
  std::string pid;
  std::string key;  ///< in its urls
  std::string id;   ///< the playback_session_id
  SteadyTime opened_at{};
  SessionState state{SessionState::Alive};
  std::optional<std::uint64_t> connection;   ///< that reads it
  SteadyTime unread_since{};                 ///< counts while there is no connection
  std::unique_ptr<Source> source;            ///< while alive
  std::vector<std::uint64_t> event_waiters;  ///< connections on its event url
  std::uint64_t bytes_sent{};

  [[nodiscard]] bool is_alive() const { return state == SessionState::Alive; }
};

/// The rules of an engine for players: one per stream, the newest wins, the same pid is the same
/// player, and what nobody reads ends after a while. Ended sessions are remembered, for their urls.
class SessionTable {
 public:
  using Ledgers = std::vector<StreamLedger*>;

  SessionTable(std::chrono::milliseconds linger, Ledgers ledgers)
      : linger_{linger}, ledgers_{std::move(ledgers)} {}

  /// An empty pid is a player of its own. The session of the same player goes on as it is; that of
  /// another one ends.
  Session& open(const std::string& infohash, const std::string& asked_id, const std::string& pid,
                SteadyTime now);
  [[nodiscard]] Session* find(const std::string& infohash, const std::string& key);
  [[nodiscard]] Session* find_by_key(const std::string& key);
  void attach(Session& session, std::uint64_t connection);
  void detach(Session& session, SteadyTime now);
  void end(Session& session, SessionState how);
  void end_abandoned(SteadyTime now);
  void count_sent(Session& session, std::uint64_t bytes);

  [[nodiscard]] std::map<std::string, Session>& by_key() { return by_key_; }

 private:
  [[nodiscard]] Session* alive_of(const std::string& infohash);
  void forget_oldest();

  std::chrono::milliseconds linger_;
  Ledgers ledgers_;
  std::map<std::string, Session> by_key_;
};

}  // namespace ace::sim
