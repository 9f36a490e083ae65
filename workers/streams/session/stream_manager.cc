#include "workers/streams/session/stream_manager.h"

#include <algorithm>
#include <utility>

namespace ace::streams {

StreamManager::StreamManager(StreamServices& services, FilmDoor& films)
    : services_{services}, films_{films}, alive_{std::make_shared<StreamManager*>(this)} {}

StreamManager::~StreamManager() = default;

void StreamManager::open(const proto::StreamId& id, NewViewer viewer) {
  move_closed_away();
  const auto found = sessions_.find(id);
  const bool is_new = found == sessions_.end();
  const auto session = is_new ? make_session(id) : found->second;
  session->add(std::move(viewer));
  if (is_stopping_) {
    session->shut_down();
  } else if (is_new) {
    session->start();
  }
}

void StreamManager::mind(const proto::StreamId& id) {
  move_closed_away();
  if (is_stopping_ || sessions_.contains(id)) return;
  make_session(id)->start();
}

std::shared_ptr<StreamSession> StreamManager::make_session(const proto::StreamId& id) {
  auto session =
      std::make_shared<StreamSession>(services_, id, static_cast<SessionListener&>(*this));
  sessions_[id] = session;
  return session;
}

void StreamManager::resume(handover::Passenger passenger, clients::ClientSeat seat) {
  auto& watching = *passenger.watching;
  NewViewer viewer;
  viewer.seat = std::move(seat);
  viewer.hops = passenger.hops;
  viewer.cursor = watching.cursor;
  viewer.has_missed = watching.has_missed;
  if (const auto cause = parse_stall_cause(watching.stall_cause)) {
    // Until now, if it lasted there.
    viewer.stall = Stall{
        .cause = *cause, .lasted = watching.stall, .since = watching.stalled_at, .is_over = true};
  }
  viewer.session = std::make_unique<clients::ClientSession>(
      services_.loop, services_.clock, std::move(passenger.socket),
      clients::ClientInfo{.id = std::move(watching.client),
                          .address = std::move(passenger.peer),
                          .agent = std::move(watching.agent),
                          .connected_at = watching.connected_at,
                          .trace = std::move(passenger.trace)},
      watching.framing,
      clients::ClientProgress{.bytes_sent = watching.bytes_sent,
                              .skips = watching.skips,
                              .owed = std::move(watching.owed),
                              .hold = watching.hold});
  open(watching.stream, std::move(viewer));
}

bool StreamManager::can_resume(const handover::Watching& watching) const {
  const auto found = sessions_.find(watching.stream);
  if (found == sessions_.end() || found->second->state() == StreamState::Closed) return true;
  return !watching.must_be_exact || found->second->viewers().can_place(watching.cursor);
}

void StreamManager::move_to(host::WorkerRef heir) {
  for (const auto& [id, session] : sessions_) session->move_to(heir);
  move_closed_away();
}

void StreamManager::inherit(handover::Passenger estate) {
  move_closed_away();
  const auto id = estate.estate->stream;
  const auto found = sessions_.find(id);
  if (found != sessions_.end()) return found->second->inherit(std::move(estate));
  // Our own comes back for a stream that was ended meanwhile; or others find it without an owner.
  if (is_stopping_ || estate.estate->from == services_.worker_id) return;
  const auto session = make_session(id);
  session->inherit(std::move(estate));
  session->start();
}

bool StreamManager::on_estate_accepted(const handover::Estate& estate, host::WorkerRef heir) {
  const auto found = sessions_.find(estate.stream);
  return found != sessions_.end() && found->second->give_to(heir);
}

std::optional<StartFailure> StreamManager::refusal_for(const proto::StreamId& id) const {
  if (is_stopping_) return stopping();
  const auto failure = services_.table().failure_of(id, services_.clock.now());
  if (!failure) return std::nullopt;
  return parse_start_failure(*failure);
}

void StreamManager::on_redis_up() {
  for (const auto& [id, session] : sessions_) session->on_redis_up();
}

void StreamManager::on_worker_died() {
  for (const auto& [id, session] : sessions_) session->on_worker_died();
}

void StreamManager::tick() {
  for (const auto& [id, session] : sessions_) session->tick();
  for (const auto& session : leaving_) session->tick();
  release_unused_grants();
}

std::chrono::milliseconds StreamManager::longest_lag() const {
  std::chrono::milliseconds longest{};
  for (const auto& [id, session] : sessions_) {
    longest = std::max(longest, session->viewers().longest_lag());
  }
  return longest;
}

void StreamManager::shut_down() {
  is_stopping_ = true;
  for (const auto& [id, session] : sessions_) session->shut_down();
}

std::optional<proto::ClientFigures> StreamManager::figures_of(const proto::StreamId& stream,
                                                              const proto::ClientId& client) const {
  const auto found = sessions_.find(stream);
  if (found == sessions_.end()) return std::nullopt;
  return found->second->viewers().figures_of(client);
}

std::vector<proto::ClientRecord> StreamManager::clients_of(const proto::StreamId& stream) const {
  const auto found = sessions_.find(stream);
  if (found == sessions_.end()) return {};
  return found->second->viewers().records();
}

void StreamManager::on_stream_closed() {
  // It is on the stack, perhaps under a loop over all sessions. And it goes behind what it has
  // posted itself: parts of its that are still called back.
  services_.loop.post([weak = std::weak_ptr{alive_}] {
    const auto self = weak.lock();
    if (!self) return;
    (*self)->move_closed_away();
    std::erase_if((*self)->leaving_, [](const auto& session) { return session->is_gone(); });
  });
}

void StreamManager::on_other_name(const proto::StreamId& name, const proto::StreamId& other,
                                  std::vector<NewViewer> viewers) {
  // As above: sessions must not come and go now.
  const auto moved = std::make_shared<std::vector<NewViewer>>(std::move(viewers));
  services_.loop.post([weak = std::weak_ptr{alive_}, name, other, moved] {
    const auto self = weak.lock();
    if (!self) return;
    for (auto& viewer : *moved) {
      if (!viewer.session->is_waiting()) continue;  // it has left on the way
      viewer.is_redirected = true;
      (*self)->open(other, std::move(viewer));
    }
    (*self)->services_.table().add_name(other, name);
  });
}

void StreamManager::on_film(const proto::StreamId& id, std::vector<NewViewer> viewers,
                            const std::optional<engines::SessionInfo>& session) {
  if (session) films_.on_film_session(id, *session);
  // As above: a request that is read again may open a session.
  const auto moved = std::make_shared<std::vector<NewViewer>>(std::move(viewers));
  services_.loop.post([weak = std::weak_ptr{alive_}, moved] {
    const auto self = weak.lock();
    if (!self) return;
    for (auto& viewer : *moved) {
      if (viewer.session->is_waiting()) (*self)->films_.on_film_viewer(std::move(viewer));
    }
  });
}

void StreamManager::move_closed_away() {
  for (auto at = sessions_.begin(); at != sessions_.end();) {
    if (at->second->state() != StreamState::Closed) {
      ++at;
      continue;
    }
    leaving_.push_back(std::move(at->second));
    at = sessions_.erase(at);
  }
}

void StreamManager::release_unused_grants() {
  std::set<proto::StreamId> unused;
  for (const auto& id : services_.table().owned_by(services_.self)) {
    if (sessions_.contains(id)) continue;
    if (unused_grants_.contains(id)) {
      services_.table().release(services_.board(), id, services_.self);
    } else {
      unused.insert(id);
    }
  }
  unused_grants_ = std::move(unused);
}

}  // namespace ace::streams
