#include "workers/streams/session/viewers.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "shared/base/text.h"
#include "shared/log/log.h"
#include "workers/clients/client_access.h"

namespace ace::streams {
namespace {

/// A worker that refuses a client for once may take it a moment later; one that cannot place it yet
/// needs longer, and a client that does not fit there today fits when it has caught up.
constexpr std::chrono::milliseconds kFirstPause{20}, kLongestPause{1'000};

/// One from another worker waits so long for the chunk behind its last one. Its run of indices may
/// have come to an end.
constexpr std::chrono::seconds kLongestEarly{5};

/// Why a client was moved forward that was not too slow.
constexpr std::string_view kChunksLost = "chunks_lost";

std::chrono::milliseconds pause_after(unsigned refusals) {
  if (refusals == 0) return {};
  return std::min(kLongestPause, kFirstPause * (1U << std::min(refusals - 1, 6U)));
}

/// PID 0x1FFF: every demultiplexer drops it.
proto::ChunkPtr null_packet() {
  std::array<std::byte, proto::kTsPacketSize> packet{};
  packet.fill(std::byte{0xff});
  packet[0] = std::byte{0x47};
  packet[1] = std::byte{0x1f};
  packet[3] = std::byte{0x10};
  return proto::Chunk::copy_of(packet);
}

}  // namespace

Viewers::Viewers(StreamServices& services, proto::StreamId id, StreamBuffer buffer,
                 Listener& listener)
    : services_{services},
      id_{id},
      buffer_{buffer},
      listener_{listener},
      alive_{std::make_shared<Viewers*>(this)} {}

Viewers::~Viewers() {
  for (auto* group : {&viewers_, &leaving_}) {
    for (auto& [id, viewer] : *group) {
      viewer.client.session->set_listener(nullptr);
      clients::log_access(*viewer.client.session, viewer.status, "worker stopped", services_.clock);
    }
  }
}

void Viewers::add(NewViewer viewer) {
  const auto id = viewer.session->info().id;
  if (!viewer.cursor) {
    const auto& info = viewer.session->info();
    log::info("client_connected", "stream={} client={} request={} user={} address={} agent={:?}",
              id_.text(), id.value, info.trace.id, info.trace.user, info.address, info.agent);
  }
  auto& added = viewers_[id];
  added.client = std::move(viewer);
  added.came_at = services_.clock.wall_now();
  added.here_since = services_.clock.now();
  added.may_go_at = services_.clock.now() + pause_after(added.client.hops);
  auto& session = *added.client.session;
  added.bytes_counted = session.bytes_sent();
  added.skips_counted = session.skips();
  tell_table();
  record(added);
  session.set_listener(this);
  if (!begin(added)) early_.push_back(id);
}

bool Viewers::begin(Viewer& viewer) {
  auto& session = *viewer.client.session;
  session.limit(rate_);
  auto& cursor = viewer.client.cursor;
  if (!cursor) {
    sessions_.push_back(&session);
    session.join(
        buffer_,
        {.burst = services_.options.join_burst, .delay = viewer.client.delay, .opening = opening_});
    return true;
  }
  if (is_to_come(*cursor)) return false;
  const auto from = buffer_.window.behind(*cursor);
  if (!from) return false;
  const auto* first = buffer_.window.known_at(*from);
  const bool is_lost = first != nullptr && first->index != cursor->index.next();
  cursor.reset();
  sessions_.push_back(&session);
  if (is_lost || viewer.client.has_missed) {
    session.skip_to(buffer_, *from);
    if (is_lost) count_skips(viewer, kChunksLost);
  } else {
    session.feed_from(buffer_, *from);
  }
  return true;
}

void Viewers::begin_with_newest() {
  for (const auto& id : std::exchange(early_, {})) {
    const auto found = viewers_.find(id);
    if (found == viewers_.end() || buffer_.window.empty()) continue;
    auto& session = *found->second.client.session;
    found->second.client.cursor.reset();
    sessions_.push_back(&session);
    session.skip_to(buffer_, {buffer_.window.edge().value - 1});
    count_skips(found->second, kChunksLost);
  }
}

void Viewers::begin_overdue() {
  const auto since = services_.clock.now() - kLongestEarly;
  const bool is_overdue = std::ranges::any_of(early_, [&](const proto::ClientId& id) {
    const auto found = viewers_.find(id);
    return found != viewers_.end() && found->second.here_since < since;
  });
  if (is_overdue && !buffer_.window.empty()) begin_with_newest();
}

std::vector<handover::Passenger> Viewers::release(Release who, std::size_t at_most) {
  std::vector<std::pair<WindowPosition, proto::ClientId>> in_order;
  for (const auto& [id, viewer] : viewers_)
    in_order.emplace_back(viewer.client.session->next(), id);
  std::ranges::sort(in_order);
  std::vector<handover::Passenger> released;
  for (const auto& [place, id] : in_order) {
    if (released.size() >= at_most) break;
    const auto at = viewers_.find(id);
    const auto* const session = at->second.client.session.get();
    auto passenger = release(at->second, who);
    if (!passenger) continue;
    std::erase(sessions_, session);
    std::erase(early_, id);
    if (passenger->watching) {
      services_.clients.forget(id_, id);
    } else {
      services_.clients.leave(id_, id);  // its request makes it a new client
    }
    released.push_back(std::move(*passenger));
    viewers_.erase(at);
  }
  if (!released.empty()) tell_table();
  return released;
}

std::optional<handover::Passenger> Viewers::release(Viewer& viewer, Release who) {
  auto& client = viewer.client;
  auto& session = *client.session;
  const bool may_go = who == Release::Drained ? session.is_waiting() || session.is_drained()
                                              : viewer.may_go_at <= services_.clock.now();
  if (!may_go) return std::nullopt;
  handover::Passenger passenger;
  passenger.hops = client.hops;
  passenger.peer = session.info().address;
  passenger.trace = session.info().trace;
  if (session.is_waiting()) {
    passenger.request = std::move(client.request);
    passenger.socket = session.release().socket;
    count_traffic(viewer);
    return passenger;
  }
  if (buffer_.window.empty() && !client.cursor) return std::nullopt;
  auto remains = session.release();
  count_traffic(viewer);
  auto cursor = client.cursor ? client.cursor : cursor_of(remains);
  const bool has_missed = client.has_missed || remains.has_missed || !cursor;
  if (!cursor) {
    const auto* newest = buffer_.window.at({buffer_.window.edge().value - 1});
    cursor = {newest->epoch, newest->index};
  }
  passenger.watching = handover::Watching{.stream = id_,
                                          .cursor = *cursor,
                                          .framing = session.framing(),
                                          .client = session.info().id,
                                          .agent = session.info().agent,
                                          .connected_at = session.info().connected_at,
                                          .bytes_sent = session.bytes_sent(),
                                          .skips = session.skips(),
                                          .has_missed = has_missed,
                                          .must_be_exact = who == Release::All && !has_missed,
                                          .hold = remains.hold,
                                          .owed = std::move(remains.owed)};
  if (const auto stall = stall_of(viewer)) {
    passenger.watching->stall_cause = to_string(stall->cause);
    passenger.watching->stalled_at = stall->since;
    passenger.watching->stall = stall->lasted;
  }
  passenger.socket = std::move(remains.socket);
  return passenger;
}

std::optional<proto::ChunkCursor> Viewers::cursor_of(const clients::ClientRemains& remains) const {
  const auto& window = buffer_.window;
  if (remains.next < window.oldest_known()) return std::nullopt;
  if (const auto* before = window.known_at({remains.next.value - 1})) {
    return proto::ChunkCursor{before->epoch, before->index};
  }
  const auto* const at = window.known_at(remains.next);
  if (at == nullptr) return std::nullopt;
  return proto::ChunkCursor{at->epoch, {at->index.value - 1}};
}

bool Viewers::is_to_come(const proto::ChunkCursor& cursor) const {
  const auto* const newest = buffer_.window.at({buffer_.window.edge().value - 1});
  return newest != nullptr && newest->index < cursor.index && cursor.index <= awaited_;
}

bool Viewers::can_place(const proto::ChunkCursor& cursor) const {
  if (is_to_come(cursor)) return true;
  const auto place = buffer_.window.behind(cursor);
  if (!place) return true;  // it waits for the window, or begins it
  const auto* const next = buffer_.window.known_at(*place);
  return next == nullptr || next->index == cursor.index.next();
}

std::optional<proto::ChunkIndex> Viewers::earliest_cursor() const {
  std::optional<proto::ChunkIndex> earliest;
  for (const auto& id : early_) {
    const auto found = viewers_.find(id);
    if (found == viewers_.end() || !found->second.client.cursor) continue;
    const auto index = found->second.client.cursor->index;
    earliest = earliest ? std::min(*earliest, index) : index;
  }
  return earliest;
}

void Viewers::on_media(clients::Opening opening) {
  // Only who was there before is at the beginning of the stream.
  opening_ = std::min(opening, clients::Opening::Live);
  for (auto* session : sessions_) session->on_media(opening);
  std::erase_if(early_, [this](const proto::ClientId& id) {
    const auto found = viewers_.find(id);
    return found == viewers_.end() || begin(found->second);
  });
}

std::chrono::milliseconds Viewers::longest_delay() const {
  std::chrono::milliseconds longest{0};
  for (const auto& [id, viewer] : viewers_) {
    if (viewer.client.session->is_waiting()) longest = std::max(longest, viewer.client.delay);
  }
  return longest;
}

void Viewers::limit(clients::ClientRate rate) {
  if (rate == rate_) return;
  rate_ = rate;
  for (auto& [id, viewer] : viewers_) viewer.client.session->limit(rate);
}

void Viewers::send_filler() {
  static const auto kNullPacket = null_packet();
  for (auto& [id, viewer] : viewers_) viewer.client.session->send_filler(kNullPacket);
}

void Viewers::record_missing() {
  for (auto& [id, viewer] : viewers_) {
    if (std::exchange(viewer.is_refused_by_redis, false)) record(viewer);
  }
}

void Viewers::finish() {
  dismiss([](Viewer& viewer) { viewer.client.session->finish(); });
}

void Viewers::refuse(const StartFailure& failure) {
  dismiss([&failure](Viewer& viewer) { see_off(viewer, failure); });
}

bool Viewers::refuse_overdue(SteadyTime since, const StartFailure& failure) {
  std::vector<proto::ClientId> overdue;
  for (const auto& [id, viewer] : viewers_) {
    if (viewer.client.session->is_waiting() && viewer.here_since < since) overdue.push_back(id);
  }
  for (const auto& id : overdue) kick(id, failure);
  return !overdue.empty();
}

void Viewers::see_off(Viewer& viewer, const StartFailure& failure) {
  auto& session = *viewer.client.session;
  if (session.is_waiting() && viewer.client.refusal) {
    viewer.status = failure.status;
    session.refuse(viewer.client.refusal(failure));
  } else {
    session.finish();
  }
}

bool Viewers::kick(const proto::ClientId& id, const StartFailure& failure) {
  auto node = viewers_.extract(id);
  if (node.empty()) return false;
  std::erase(sessions_, node.mapped().client.session.get());
  std::erase(early_, id);
  services_.clients.leave(id_, id);
  node.mapped().client.seat = {};
  auto& leaving = leaving_.insert_or_assign(id, std::move(node.mapped())).first->second;
  tell_table();
  see_off(leaving, failure);
  return true;
}

void Viewers::dismiss(const std::function<void(Viewer&)>& last_words) {
  auto dismissed = std::exchange(viewers_, {});
  sessions_.clear();
  early_.clear();
  for (auto& [id, viewer] : dismissed) {
    services_.clients.leave(id_, id);
    viewer.client.seat = {};
    leaving_.insert_or_assign(id, std::move(viewer));
  }
  tell_table();
  for (auto& [id, viewer] : leaving_) last_words(viewer);
}

void Viewers::tick(const std::optional<Stall>& of_stream) {
  std::vector<proto::ClientId> stuck;
  longest_lag_ = {};
  stream_stall_ = of_stream;
  begin_overdue();
  for (auto& [id, viewer] : viewers_) watch_pace(viewer);
  for (auto* group : {&viewers_, &leaving_}) {
    for (auto& [id, viewer] : *group) {
      count_traffic(viewer);
      viewer.client.session->tick();
      longest_lag_ = std::max(longest_lag_, viewer.client.session->pace().lag);
      if (!viewer.client.session->is_waiting()) free_text(viewer.client.request);
      if (!viewer.client.session->is_stuck(services_.options.stalled_client)) continue;
      viewer.client.session->give_up();
      stuck.push_back(id);
    }
  }
  for (auto& [id, viewer] : viewers_) tell_figures(viewer);
  for (const auto& id : stuck) remove(id, "takes no data");
}

bool Viewers::all_waiting() const {
  return std::ranges::all_of(viewers_, [](const auto& entry) {
    const auto& session = *entry.second.client.session;
    return session.bytes_sent() == 0 && !entry.second.client.cursor;
  });
}

std::vector<NewViewer> Viewers::release_waiting() {
  std::vector<NewViewer> released;
  for (auto at = viewers_.begin(); at != viewers_.end();) {
    auto& client = at->second.client;
    if (!client.session->is_waiting()) {
      ++at;
      continue;
    }
    std::erase(sessions_, client.session.get());
    services_.clients.leave(id_, at->first);
    client.session->leave_stream();
    released.push_back(std::move(client));
    at = viewers_.erase(at);
  }
  if (!released.empty()) tell_table();
  return released;
}

void Viewers::on_client_gone(clients::ClientSession& client, std::string_view why) {
  // The session is on the stack, perhaps under a loop over all viewers: it goes in the next turn.
  services_.loop.post(
      [weak = std::weak_ptr{alive_}, id = client.info().id, why = std::string{why}] {
        if (const auto self = weak.lock()) (*self)->remove(id, why);
      });
}

void Viewers::remove(const proto::ClientId& id, const std::string& why) {
  auto& group = viewers_.contains(id) ? viewers_ : leaving_;
  const auto found = group.find(id);
  if (found == group.end()) return;
  count_traffic(found->second);
  auto& session = *found->second.client.session;
  log::info("client_disconnected", "stream={} client={} request={} bytes={} skips={} why={:?}",
            id_.text(), id.value, session.info().trace.id, session.bytes_sent(), session.skips(),
            why);
  clients::log_access(session, found->second.status, why, services_.clock);
  const bool was_viewer = &group == &viewers_;
  std::erase(sessions_, &session);
  group.erase(found);
  if (was_viewer) {
    tell_table();
    services_.clients.leave(id_, id);
  }
  listener_.on_viewer_left();
}

}  // namespace ace::streams
