#include "tests/engine_sim/session_table.h"

#include <algorithm>

#include "shared/base/random_id.h"

namespace ace::sim {
namespace {

/// Ended sessions whose urls still answer why; a long demo must not grow for ever.
constexpr std::size_t kMaxRemembered = 4096;

}  // namespace

Session* SessionTable::alive_of(const std::string& infohash) {
  for (auto& [key, session] : by_key_) {
    if (session.is_alive() && session.infohash == infohash) return &session;
  }
  return nullptr;
}

Session& SessionTable::open(const std::string& infohash, const std::string& asked_id,
                            const std::string& pid, SteadyTime now) {
  if (auto* existing = alive_of(infohash)) {
    if (!pid.empty() && existing->pid == pid) {
      for (auto* ledger : ledgers_) ledger->asked(infohash, asked_id);
      if (!existing->connection) existing->unread_since = now;
      return *existing;
    }
    end(*existing, SessionState::Superseded);
  }
  forget_oldest();
  Session session;
  session.infohash = infohash;
  session.pid = pid;
  session.key = random_hex(16);
  session.id = random_hex(20);
  session.opened_at = now;
  session.unread_since = now;
  for (auto* ledger : ledgers_) ledger->opened(infohash, asked_id);
  const auto key = session.key;
  return by_key_.emplace(key, std::move(session)).first->second;
}

void SessionTable::forget_oldest() {
  if (by_key_.size() < kMaxRemembered) return;
  auto oldest = by_key_.end();
  for (auto at = by_key_.begin(); at != by_key_.end(); ++at) {
    if (at->second.is_alive()) continue;
    if (oldest == by_key_.end() || at->second.opened_at < oldest->second.opened_at) oldest = at;
  }
  if (oldest != by_key_.end()) by_key_.erase(oldest);
}

Session* SessionTable::find(const std::string& infohash, const std::string& key) {
  auto* session = find_by_key(key);
  return session == nullptr || session->infohash != infohash ? nullptr : session;
}

Session* SessionTable::find_by_key(const std::string& key) {
  const auto at = by_key_.find(key);
  return at == by_key_.end() ? nullptr : &at->second;
}

void SessionTable::attach(Session& session, std::uint64_t connection) {
  session.connection = connection;
}

void SessionTable::detach(Session& session, SteadyTime now) {
  session.connection.reset();
  session.unread_since = now;
}

void SessionTable::end(Session& session, SessionState how) {
  if (!session.is_alive()) return;
  session.state = how;
  session.source.reset();
  for (auto* ledger : ledgers_) ledger->ended(session.infohash);
}

void SessionTable::end_abandoned(SteadyTime now) {
  for (auto& [key, session] : by_key_) {
    const bool is_read = session.connection.has_value();
    if (session.is_alive() && !is_read && now - session.unread_since >= linger_) {
      end(session, SessionState::Abandoned);
    }
  }
}

void SessionTable::count_sent(Session& session, std::uint64_t bytes) {
  session.bytes_sent += bytes;
  for (auto* ledger : ledgers_) ledger->sent(session.infohash, bytes);
}

}  // namespace ace::sim
