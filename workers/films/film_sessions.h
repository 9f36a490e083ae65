#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/redis/client_record.h"
#include "workers/engines/session_opener.h"
#include "workers/streams/session/start_failure.h"
#include "workers/streams/session/stream_services.h"

namespace ace::films {

class FilmReader;

/// A reader's request for a session.
struct FilmAsk {
  proto::StreamId content;
  std::string viewer;
  std::weak_ptr<FilmReader> reader;
  /// If no other engine has room, the last request of the same viewer may be ended.
  bool may_take_over{};
  bool is_taken_elsewhere{};  ///< by another host's viewer, on some engine
  engines::ExcludedEngines failed{};
  std::vector<streams::EngineFailure> failures{};
};

/// One session of a film at an engine. It belongs to one viewer, who reads it request by request.
struct FilmSession {
  proto::StreamId content;
  proto::StreamId token;  ///< a made-up id under which it is counted and shown
  engines::EngineAddress engine;
  engines::SessionInfo info;
  std::shared_ptr<engines::SessionOpener> opener;  ///< while the engine is being asked
  FilmAsk ask;                                     ///< its reader's
  std::uint64_t seen_orders{};                     ///< of the host's board, for the content
  std::uint64_t seen_yields{};                     ///< for the token
  bool is_being_reserved{};  ///< other hosts are asked whether they use the engine for the film
  SteadyTime idle_since;

  /// It cannot be read yet.
  [[nodiscard]] bool is_opening() const { return is_being_reserved || opener != nullptr; }
};
using FilmSessionPtr = std::shared_ptr<FilmSession>;

/// A reader of a film. Its methods are called from the loop, never from inside open().
class FilmReader {
 public:
  virtual ~FilmReader() = default;
  /// It is this reader's until given back or dropped.
  virtual void on_film_session(FilmSessionPtr session) = 0;
  virtual void on_film_refused(const streams::StartFailure& failure) = 0;
  /// The same viewer's next request reads it from now on.
  virtual void on_film_session_lost() = 0;
  /// Its viewer has left, or its answer is being ended.
  [[nodiscard]] virtual bool is_gone() const = 0;
  /// As `/streams` shows it.
  [[nodiscard]] virtual proto::ClientRecord client() const = 0;
};

/// The engine sessions of this worker's films. An engine plays a content to one player, so each
/// viewer of a film has an engine of its own. A session whose viewer has gone is kept a while:
/// players seek by leaving and asking again.
class FilmSessions {
 public:
  /// How long a session without a reader is kept.
  static constexpr std::chrono::milliseconds kKeep{8'000};
  /// How long a viewer's next request waits for its last one to end, before it goes elsewhere.
  static constexpr std::chrono::milliseconds kPatience{500};

  explicit FilmSessions(streams::StreamServices& services);
  ~FilmSessions();
  FilmSessions(const FilmSessions&) = delete;
  FilmSessions& operator=(const FilmSessions&) = delete;

  void open(FilmAsk ask);
  /// A stream has opened this session; the next reader that asks gets it.
  void adopt(const proto::StreamId& content, const engines::SessionInfo& info);
  /// Its reader does not need it any more.
  void give_back(const FilmSessionPtr& session);
  /// It does not deliver.
  void drop(const FilmSessionPtr& session);

  /// Twice a second.
  void tick();
  /// Ends all of them at their engines.
  void shut_down();
  [[nodiscard]] bool is_empty() const { return sessions_.empty(); }

 private:
  struct Question {
    FilmAsk ask;
    proto::StreamId token;
    std::unique_ptr<loop::Timer> patience;
    unsigned room_asks{};
  };
  using QuestionPtr = std::shared_ptr<Question>;

  [[nodiscard]] FilmSessionPtr find_free(const FilmAsk& ask) const;
  [[nodiscard]] FilmSessionPtr find_busy(const FilmAsk& ask) const;
  void choose(const QuestionPtr& question);
  void choose_after(const QuestionPtr& question, std::chrono::milliseconds patience);
  [[nodiscard]] engines::ExcludedEngines excluded(const FilmAsk& ask) const;
  void on_choice(const QuestionPtr& question, const Result<engines::EngineAddress>& chosen);
  void on_no_engine(const QuestionPtr& question, const Error& why);
  void reserve(const FilmSessionPtr& session);
  void on_reserved(const FilmSessionPtr& session, bool is_ours);
  void on_opened(const FilmSessionPtr& session, const Result<engines::SessionInfo>& opened);
  void attach(const FilmSessionPtr& session, const FilmAsk& ask);
  void deliver(const FilmSessionPtr& session);
  void refuse(const FilmAsk& ask, streams::StartFailure failure);
  [[nodiscard]] FilmSessionPtr make_session(const proto::StreamId& content,
                                            const proto::StreamId& token,
                                            const engines::EngineAddress& engine);
  void describe(const FilmSession& session);
  [[nodiscard]] bool is_ended(FilmSession& session);
  [[nodiscard]] bool is_asked_for(FilmSession& session);
  void forget(const FilmSessionPtr& session);
  void renew();
  void hold(const FilmSession& session, redis::ReplyCallback callback);

  streams::StreamServices& services_;
  std::vector<FilmSessionPtr> sessions_;
  std::vector<QuestionPtr> waiting_;  ///< for the same viewer's last request to end
  SteadyTime renewed_at_;
  std::shared_ptr<FilmSessions*> alive_;
};

}  // namespace ace::films
