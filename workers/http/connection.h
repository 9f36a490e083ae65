#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proto/http/request_parser.h"
#include "proto/http/request_trace.h"
#include "proto/ids.h"
#include "shared/base/clock.h"
#include "shared/base/unique_fd.h"
#include "shared/loop/fd_watcher.h"
#include "shared/loop/timer.h"
#include "shared/net/ip_set.h"
#include "workers/clients/client_seat.h"
#include "workers/http/stranger_bytes.h"
#include "workers/http/turn_queue.h"

namespace ace::http {

struct ConnectionLimits {
  std::chrono::milliseconds header{10'000};  ///< from the first wait to a whole request
  std::chrono::milliseconds idle{30'000};    ///< between two requests
  std::chrono::milliseconds linger{2'000};   ///< for the peer's end, after ours
};

/// What all connections of a worker use; everything outlives them.
struct ConnectionServices {
  loop::Loop& loop;
  loop::TimerFactory& timers;
  const Clock& clock;
  const proto::WorkerId& worker_id;
  const ConnectionLimits& limits;
  const net::IpSet& trusted_proxies;
  StrangerBytes& strangers;
  TurnQueue& turns;
};

/// How a connection came to this worker: accepted here, or handed over as a client of a stream,
/// which has been counted here already.
struct Arrival {
  std::uint8_t hops{};       ///< from worker to worker
  std::string request_id{};  ///< of the request that was read elsewhere
  clients::ClientSeat seat;
};

/// One HTTP connection while requests are read and answered whole. Reads one request at a time:
/// what a client pipelines waits in the socket or in `unread_` until the answer before it is out
/// and the connection has its next turn. A request for a stream takes the socket away
/// (take_socket), and this object's work is done. What is held of requests and answers counts as
/// StrangerBytes; where those have no room the request is told 503, an unread answer is cut off.
class Connection final : private TurnQueue::Guest {
 public:
  /// Requests that are taken up in one turn.
  static constexpr std::size_t kRequestsPerTurn = 4;

  class Listener {
   public:
    virtual ~Listener() = default;
    /// The head of a request is here, and its body is not. False: nobody wants the body; the head
    /// has been answered, with the end of the connection.
    [[nodiscard]] virtual bool on_head(Connection& connection,
                                       const proto::http::Request& head) = 0;
    /// Exactly one of respond(), respond_and_close() and take_socket() must follow, now or later.
    virtual void on_request(Connection& connection, proto::http::Request request) = 0;
    /// The last call: destroy the connection, but not from within (post it).
    virtual void on_connection_done(Connection& connection) = 0;
  };

  /// `peer`: the client's address, for logs. The socket is non-blocking.
  Connection(const ConnectionServices& services, UniqueFd socket, std::string peer, Arrival arrival,
             Listener& listener);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// `preread`: bytes of the request that were read by another process.
  void start(std::string preread);

  void respond(std::string answer);
  void respond_and_close(std::string answer);

  struct Taken {
    UniqueFd socket;
    std::string peer;
    /// The request's bytes from its first one, and whatever followed it.
    std::string raw;
  };
  /// Instead of an answer, or before there is a whole request: the socket is the caller's, and the
  /// connection is done.
  [[nodiscard]] Taken take_socket();

  /// Whose request is being answered: the peer, or who stands behind a trusted proxy.
  [[nodiscard]] const std::string& client() const { return asked_.client; }
  /// Of that request, for logs; its user is the handler's to fill in.
  [[nodiscard]] proto::http::RequestTrace& trace() { return asked_.trace; }
  /// How it came to this worker; the seat, if any, is the handler's to take.
  [[nodiscard]] Arrival& arrival() { return arrival_; }
  /// It waits for a request, or for the rest of one: there is nothing to answer yet.
  [[nodiscard]] bool is_reading() const { return phase_ == Phase::Reading; }

 private:
  enum class Phase { Reading, Answering, Writing, Lingering, Done };

  /// What the access log tells of the request that is being answered.
  struct Asked {
    proto::http::RequestTrace trace;
    std::string client;
    std::string agent;
    WallTime when;
  };

  /// What logs and handlers know of the request, once its head is here.
  void begin_request(const proto::http::Request& request);
  void on_head();
  void on_request();
  /// The one that came with the connection, else one of ours.
  std::string take_request_id();
  void log_access(std::string_view why) const;
  void on_ready(loop::FdEvents events);
  void on_turn() override;
  void wait_for_turn(TurnQueue::Kind kind);
  [[nodiscard]] bool read_more();
  void parse_unread();
  void parse(std::string_view bytes);
  void on_more_needed(bool was_idle);
  void count_held();
  [[nodiscard]] std::size_t held() const;
  void refuse(int status, std::string_view why);
  void on_too_slow();
  void send(std::string answer, bool close_after);
  void write_out();
  void on_written();
  void linger();
  void drop_input();
  void done();

  const ConnectionServices& services_;
  UniqueFd socket_;
  std::unique_ptr<loop::FdWatcher> watcher_;
  std::unique_ptr<loop::Timer> timer_;
  std::string peer_;
  Arrival arrival_;
  Asked asked_;
  Listener& listener_;

  Phase phase_{Phase::Reading};
  proto::http::RequestParser parser_;
  std::string unread_;  ///< bytes that the parser has not had: the next request's
  StrangerBytes::Share held_;
  std::string out_;
  std::size_t out_sent_{};
  bool close_after_write_{};
  bool has_answered_{};
  bool has_begun_{};   ///< asked_ is of the request that is being read
  bool is_waiting_{};  ///< for its turn
  bool is_in_turn_{};
};

}  // namespace ace::http
