#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "shared/curl/transfer.h"
#include "shared/loop/fd_watcher.h"
#include "workers/clients/client_info.h"
#include "workers/clients/client_seat.h"
#include "workers/engines/redirect_trail.h"
#include "workers/films/film_head.h"
#include "workers/films/film_sessions.h"

namespace ace::films {

/// A client that asks for a film, or a part of it.
struct FilmViewer {
  UniqueFd socket;  ///< non-blocking
  clients::ClientInfo info;
  clients::ClientSeat seat;
  std::optional<proto::http::ByteRange> range;
  /// Whole heads and error answers for this client.
  std::function<std::string(const FilmHead&)> head;
  std::function<std::string(const streams::StartFailure&)> refusal;
};

/// One answer that carries a film: what an engine sends, at the pace at which the client takes it.
/// Holds one piece at most; the rest waits at the engine. An engine that fails in the middle is
/// replaced by another if the remaining part can be requested.
class FilmRelay final : public FilmReader,
                        public std::enable_shared_from_this<FilmRelay>,
                        private curl::Transfer::Listener {
 public:
  FilmRelay(streams::StreamServices& services, FilmSessions& sessions, proto::StreamId id,
            FilmViewer viewer);
  ~FilmRelay() override;
  FilmRelay(const FilmRelay&) = delete;
  FilmRelay& operator=(const FilmRelay&) = delete;

  void start() { ask_for_session(); }
  /// Twice a second.
  void tick();
  /// The connection is closed now. It may be destroyed once is_closed(), not from its own calls.
  void end(std::string_view why);
  [[nodiscard]] bool is_closed() const { return phase_ == Phase::Gone; }
  [[nodiscard]] bool is_gone() const override {
    return phase_ != Phase::Waiting && phase_ != Phase::Sending;
  }
  [[nodiscard]] proto::ClientRecord client() const override;

 private:
  enum class Phase {
    Waiting,    ///< for a session, or for the engine's head
    Sending,    ///< the head is sent or owed
    Finishing,  ///< nothing more will come, something is owed
    Lingering,  ///< all is sent; waits for the client's end
    Gone,
  };

  void on_film_session(FilmSessionPtr session) override;
  void on_film_refused(const streams::StartFailure& failure) override;
  void on_film_session_lost() override;
  void on_headers(const curl::ResponseHead& head) override;
  curl::Flow on_bytes(ByteSpan bytes) override;
  void on_done(const curl::Outcome& outcome) override;

  void ask_for_session();
  void obey();
  void obey(const host::StreamOrder& order);
  void request(std::string url);
  void begin(FilmHead head);
  void go_on(const FilmHead& head);
  void on_session_failed(Error why);
  [[nodiscard]] std::optional<std::string> rest() const;
  void on_ready(loop::FdEvents events);
  void read_and_drop();
  void flush();
  void finish();
  void break_off(std::string_view why);
  void end_wait();
  [[nodiscard]] std::string viewer_key() const;
  void log_end(std::string_view why) const;

  streams::StreamServices& services_;
  FilmSessions& sessions_;
  proto::StreamId id_;
  FilmViewer viewer_;
  std::uint64_t seen_orders_;  ///< of the host's board
  Phase phase_{Phase::Waiting};
  FilmSessionPtr session_;
  engines::ExcludedEngines failed_;
  std::vector<streams::EngineFailure> failures_;
  std::unique_ptr<curl::Transfer> transfer_;
  std::optional<engines::RedirectTrail> trail_;
  std::string url_;
  std::optional<FilmHead> head_;
  std::uint64_t position_{};  ///< in the film, of the next byte from the engine
  std::uint64_t sent_{};
  int status_{};      ///< of the answer; 0: none yet
  std::string owed_;  ///< taken from the engine, not yet by the client
  int failures_in_a_row_{};
  SteadyTime session_began_;
  bool has_session_delivered_{};
  SteadyTime came_at_;
  SteadyTime heard_at_;     ///< from the engine, or the engine was held back
  SteadyTime progress_at_;  ///< the client took something, or was owed nothing
  std::unique_ptr<loop::FdWatcher> watcher_;
};

}  // namespace ace::films
