#include "workers/films/film_relay.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "shared/log/log.h"
#include "shared/net/ip_address.h"
#include "workers/clients/client_access.h"

namespace ace::films {
namespace {

using std::chrono::milliseconds;

/// A viewer that pauses its film holds an engine so long. Then it asks again, for the rest.
constexpr milliseconds kLongestPause{600'000};
constexpr milliseconds kLinger{2'000};
constexpr int kMostFailures = 4;
constexpr milliseconds kGoodSession{10'000};

}  // namespace

FilmRelay::FilmRelay(streams::StreamServices& services, FilmSessions& sessions, proto::StreamId id,
                     FilmViewer viewer)
    : services_{services},
      sessions_{sessions},
      id_{id},
      viewer_{std::move(viewer)},
      seen_orders_{services.host.orders().newest()},
      came_at_{services.clock.now()},
      heard_at_{came_at_},
      progress_at_{came_at_},
      watcher_{
          std::make_unique<loop::FdWatcher>(services.loop, viewer_.socket.get(),
                                            [this](loop::FdEvents events) { on_ready(events); })} {
  watcher_->watch(true, false);
  const auto& info = viewer_.info;
  log::info("film_client_connected",
            "stream={} client={} request={} user={} address={} agent={:?} range={}", id_.text(),
            info.id.value, info.trace.id, info.trace.user, info.address, info.agent,
            viewer_.range ? viewer_.range->text() : "all");
}

FilmRelay::~FilmRelay() {
  if (!is_closed()) log_end("worker stopped");
}

std::string FilmRelay::viewer_key() const {
  // Its next connection has another port.
  return net::without_port(viewer_.info.address) + ' ' + viewer_.info.agent;
}

void FilmRelay::ask_for_session() {
  heard_at_ = services_.clock.now();
  has_session_delivered_ = false;
  const bool is_seek = viewer_.range && viewer_.range->is_seek();
  // All who come over a unix socket look alike: whose film would it end?
  const bool is_told_apart = net::IpAddress::parse_host_port(viewer_.info.address).has_value();
  sessions_.open({.content = id_,
                  .viewer = viewer_key(),
                  .reader = weak_from_this(),
                  .may_take_over = is_told_apart && (is_seek || head_.has_value()),
                  .failed = failed_,
                  .failures = failures_});
}

// --- the engine -----------------------------------------------------------------------------

void FilmRelay::on_film_session(FilmSessionPtr session) {
  if (is_gone()) return sessions_.give_back(session);
  session_ = std::move(session);
  session_began_ = services_.clock.now();
  trail_.emplace(session_->engine);
  request(session_->info.playback_url);
}

void FilmRelay::request(std::string url) {
  url_ = std::move(url);
  heard_at_ = services_.clock.now();
  auto range = viewer_.range ? viewer_.range->text() : std::string{};
  if (head_) range = rest().value_or("");
  transfer_ = std::make_unique<curl::Transfer>(
      services_.curl,
      curl::Request{.url = url_,
                    .connect_timeout = services_.options.feed.timeouts.connect,
                    .range = std::move(range)},
      static_cast<curl::Transfer::Listener&>(*this));
}

std::optional<std::string> FilmRelay::rest() const {
  if (!head_ || !head_->takes_ranges || !head_->end() || position_ >= *head_->end()) {
    return std::nullopt;
  }
  return fmt::format("{}-{}", position_, *head_->end() - 1);
}

void FilmRelay::on_headers(const curl::ResponseHead& head) {
  heard_at_ = services_.clock.now();
  if (engines::RedirectTrail::is_redirect(head.status)) {
    auto url = trail_->next(url_, head.location);
    if (!url) return on_session_failed(std::move(url).error().in("headers"));
    return request(std::move(*url));
  }
  auto film = parse_film_head(head);
  if (!film) return on_session_failed(std::move(film).error());
  if (head_) {
    go_on(*film);
  } else {
    begin(std::move(*film));
  }
}

void FilmRelay::begin(FilmHead head) {
  head_ = std::move(head);
  position_ = head_->first();
  phase_ = Phase::Sending;
  if (head_->size) {
    services_.host.films().describe(
        id_,
        {.size = *head_->size, .content_type = head_->status == 416 ? "" : head_->content_type});
  }
  log::info("film_started", "stream={} client={} request={} engine={} status={} from={} size={}",
            id_.text(), viewer_.info.id.value, viewer_.info.trace.id, session_->engine.id(),
            head_->status, position_, head_->size.value_or(0));
  status_ = head_->status;
  owed_ = viewer_.head(*head_);
  flush();
}

void FilmRelay::go_on(const FilmHead& head) {
  const bool fits = head.status == 206 && head.first() == position_ && head.end() == head_->end() &&
                    head.size == head_->size;
  if (!fits) on_session_failed({Errc::Protocol, "headers: not the part that was asked for"});
}

curl::Flow FilmRelay::on_bytes(ByteSpan bytes) {
  heard_at_ = services_.clock.now();
  if (phase_ != Phase::Sending) return curl::Flow::Continue;  // the words of an error
  if (!owed_.empty()) return curl::Flow::Pause;
  // The client has been told how long it is: what an engine sends beyond that is not for it.
  if (const auto end = head_->end()) {
    bytes = bytes.first(std::min<std::uint64_t>(bytes.size(), *end - position_));
  }
  if (bytes.empty()) return curl::Flow::Continue;
  position_ += bytes.size();
  services_.me().bytes_from_engines += bytes.size();
  has_session_delivered_ = true;
  owed_.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  flush();
  return curl::Flow::Continue;
}

void FilmRelay::on_done(const curl::Outcome& outcome) {
  const bool is_whole = head_ && head_->end() && position_ == *head_->end();
  if (outcome.error && !is_whole) {
    return on_session_failed(outcome.error->in(head_ ? "reading" : "headers"));
  }
  if (head_->end() && !is_whole) {
    return on_session_failed({Errc::Closed, "reading: engine ended the film"});
  }
  transfer_.reset();
  sessions_.give_back(std::exchange(session_, nullptr));
  finish();
}

void FilmRelay::on_session_failed(Error why) {
  transfer_.reset();
  const auto session = std::exchange(session_, nullptr);
  const auto engine_id = session->engine.id();
  const auto told = std::move(why).in(engine_id);
  log::warn("film_session_failed", "stream={} client={} request={} engine={} why={:?}", id_.text(),
            viewer_.info.id.value, viewer_.info.trace.id, engine_id, told.text);
  services_.selector.note_failure(engine_id, told);
  // Where it has delivered, a new session there may go on.
  if (!has_session_delivered_) failed_.insert(engine_id);
  failures_.push_back({.engine_id = engine_id, .error = told});
  sessions_.drop(session);
  // Two hosts that take an engine from each other must not do so for ever.
  if (services_.clock.now() - session_began_ > kGoodSession) failures_in_a_row_ = 0;
  if (++failures_in_a_row_ >= kMostFailures) {
    return head_ ? break_off("engine failed")
                 : on_film_refused(streams::start_failure(std::move(failures_)));
  }
  if (head_ && !rest()) return break_off("engine failed");
  ask_for_session();
}

void FilmRelay::on_film_refused(const streams::StartFailure& failure) {
  if (is_gone()) return;
  log::warn("film_failed", "stream={} client={} request={} status={} code={} why={:?}", id_.text(),
            viewer_.info.id.value, viewer_.info.trace.id, failure.status, failure.code,
            failure.message);
  if (head_) return break_off(failure.code);
  status_ = failure.status;
  owed_ = viewer_.refusal(failure);
  finish();
}

void FilmRelay::on_film_session_lost() {
  transfer_.reset();
  session_.reset();
  break_off("asked again");
}

// --- the client -----------------------------------------------------------------------------

void FilmRelay::on_ready(loop::FdEvents events) {
  if (events.readable) read_and_drop();
  if (!is_closed() && events.writable) flush();
}

void FilmRelay::read_and_drop() {
  std::array<char, 4096> ignored{};
  const auto size = ::recv(viewer_.socket.get(), ignored.data(), ignored.size(), MSG_DONTWAIT);
  if (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR))) return;
  end(phase_ == Phase::Lingering ? "finished" : "client closed");
}

void FilmRelay::flush() {
  std::size_t done = 0;
  while (done < owed_.size()) {
    const auto size = ::send(viewer_.socket.get(), owed_.data() + done, owed_.size() - done,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    // An error shows in the next read, which ends this: the engine's transfer may be on the stack.
    if (size <= 0) break;
    done += static_cast<std::size_t>(size);
  }
  if (done > 0) progress_at_ = services_.clock.now();
  owed_.erase(0, done);
  sent_ += done;
  services_.me().bytes_to_clients += done;
  watcher_->watch(true, !owed_.empty());
  if (!owed_.empty()) return;
  progress_at_ = services_.clock.now();
  if (phase_ == Phase::Finishing) {
    phase_ = Phase::Lingering;
    ::shutdown(viewer_.socket.get(), SHUT_WR);
  } else if (transfer_) {
    heard_at_ = progress_at_;
    transfer_->resume();
  }
}

void FilmRelay::finish() {
  phase_ = Phase::Finishing;
  flush();
}

void FilmRelay::break_off(std::string_view why) {
  // No proper end: a player must not take what it has for all there is.
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(viewer_.socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  end(why);
}

void FilmRelay::end(std::string_view why) {
  if (is_closed()) return;
  phase_ = Phase::Gone;
  log_end(why);
  transfer_.reset();
  watcher_.reset();
  viewer_.socket.reset();
  viewer_.seat = {};
  if (session_) sessions_.give_back(std::exchange(session_, nullptr));
}

void FilmRelay::log_end(std::string_view why) const {
  const auto& info = viewer_.info;
  log::info("film_client_gone", "stream={} client={} request={} bytes={} why={:?}", id_.text(),
            info.id.value, info.trace.id, sent_, why);
  clients::log_access(info, status_, sent_, why, services_.clock);
}

proto::ClientRecord FilmRelay::client() const {
  const auto quiet = services_.clock.now() - progress_at_;
  return {.id = viewer_.info.id,
          .address = viewer_.info.address,
          .agent = viewer_.info.agent,
          .worker = services_.worker_id,
          .connected_at = unix_seconds(viewer_.info.connected_at),
          .figures = {.last_active = unix_seconds(services_.clock.wall_now() - quiet),
                      .bytes_sent = sent_}};
}

// --- orders ---------------------------------------------------------------------------------

void FilmRelay::obey() {
  for (const auto& order : services_.host.orders().take(id_, seen_orders_)) obey(order);
}

void FilmRelay::obey(const host::StreamOrder& order) {
  const bool is_end = order.kind == host::OrderKind::End;
  const bool is_kick =
      order.kind == host::OrderKind::Kick && order.argument == viewer_.info.id.value;
  if (is_gone() || (!is_end && !is_kick)) return;
  transfer_.reset();
  if (session_) sessions_.give_back(std::exchange(session_, nullptr));
  on_film_refused(is_end ? streams::ended() : streams::kicked());
}

void FilmRelay::end_wait() {
  transfer_.reset();
  const auto engine_id = session_ ? session_->engine.id() : std::string{};
  if (session_) sessions_.drop(std::exchange(session_, nullptr));
  const auto waited = std::chrono::duration_cast<milliseconds>(services_.clock.now() - came_at_);
  failures_.push_back(
      {.engine_id = engine_id,
       .error = {Errc::Timeout, fmt::format("headers: no film in {} ms", waited.count())}});
  on_film_refused(streams::start_failure(std::move(failures_)));
}

void FilmRelay::tick() {
  obey();
  const auto now = services_.clock.now();
  // Looked at twice a second: nobody waits longer than that.
  const bool is_late = now - came_at_ + milliseconds{500} > services_.options.feed.start;
  if (phase_ == Phase::Waiting && is_late) return end_wait();
  const auto stuck = now - progress_at_;
  if (phase_ == Phase::Lingering && stuck >= kLinger) return end("finished");
  if (!owed_.empty() && stuck >= kLongestPause) return break_off("client takes nothing");
  if (!transfer_ || !owed_.empty()) return;
  const auto limit = services_.options.feed.timeouts.first_byte;
  if (now - heard_at_ < limit) return;
  on_session_failed({Errc::Timeout, fmt::format("{}: nothing in {} ms",
                                                head_ ? "reading" : "headers", limit.count())});
}

}  // namespace ace::films
