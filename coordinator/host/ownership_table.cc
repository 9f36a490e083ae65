#include "coordinator/host/ownership_table.h"

#include <algorithm>
#include <mutex>

#include "coordinator/host/fnv1a.h"
#include "coordinator/host/placement.h"
#include "coordinator/host/shared_text.h"

namespace ace::host {
namespace {

std::uint64_t fingerprint_of(const proto::StreamId& id) {
  const std::uint64_t hash = fnv1a(id.text());
  return hash == 0 ? 1 : hash;
}

/// Where there was no room to be made, the next look at every entry waits so long.
constexpr std::chrono::milliseconds kSweepPause{100};

std::int64_t unix_ms_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             SystemClock{}.wall_now().time_since_epoch())
      .count();
}

bool can_own(const Scoreboard& board, WorkerRef worker) {
  return board.is_alive(worker) && board.has_beaten(worker.slot, OwnershipTable::kDeadBeat);
}

/// Living workers that take new clients, with what each holds and what is on its way to it.
std::vector<WorkerLoad> candidates_of(const Scoreboard& board) {
  std::vector<WorkerLoad> loads;
  for (std::uint32_t slot = 0; slot < kMaxSlots; ++slot) {
    const auto& worker = board.slots[slot];
    if (worker.phase != WorkerPhase::Serving) continue;
    if (!board.has_beaten(slot, kFreshBeat)) continue;
    std::uint32_t clients = worker.clients;
    for (const auto& other : board.slots) clients += other.placing[slot];
    loads.push_back(
        {.worker = {.slot = slot, .generation = worker.generation}, .clients = clients});
  }
  return loads;
}

}  // namespace

Result<OwnershipTable::Grant> OwnershipTable::acquire(const Scoreboard& board,
                                                      const proto::StreamId& id, WorkerRef self) {
  const std::lock_guard lock{mutex_};
  Entry* entry = find_or_add(board, id);
  if (entry == nullptr) return fail(Errc::Busy, "too many streams on this host");
  if (!can_own(board, entry->owner)) entry->owner = self;
  return Grant{.owner = entry->owner,
               .epoch = entry->epoch,
               .index = entry->index,
               .session = load_text(entry->session)};
}

bool OwnershipTable::confirm(const proto::StreamId& id, WorkerRef self) {
  const std::lock_guard lock{mutex_};
  Entry* entry = find_entry(id);
  if (entry == nullptr) return false;
  entry->owner = self;
  return true;
}

void OwnershipTable::release(const Scoreboard& board, const proto::StreamId& id, WorkerRef self) {
  const std::lock_guard lock{mutex_};
  Entry* entry = find_entry(id);
  if (entry == nullptr || entry->owner != self) return;
  starters_[at(*entry)] = 0;
  entry->owner = {};
  entry->session[0] = '\0';
  free_if_unused(board, *entry);
}

bool OwnershipTable::pass_on(const Scoreboard& board, const proto::StreamId& id, WorkerRef self,
                             WorkerRef heir) {
  const std::lock_guard lock{mutex_};
  Entry* entry = find_entry(id);
  if (entry == nullptr || entry->owner != self || !can_own(board, heir)) return false;
  entry->owner = heir;
  return true;
}

Result<OwnershipTable::Placing> OwnershipTable::place(Scoreboard& board, const proto::StreamId& id,
                                                      WorkerRef self, bool owner_only,
                                                      Starter starter) {
  const std::lock_guard lock{mutex_};
  const bool is_start = is_cold(board, id);
  if (is_start && !may_start(board, id, starter)) {
    return fail(Errc::Refused, "too many streams are being started for this address");
  }
  Entry* entry = find_or_add(board, id);
  if (entry == nullptr) return fail(Errc::Busy, "too many streams on this host");
  if (is_start) starters_[at(*entry)] = starter.key;
  const bool has_owner = can_own(board, entry->owner);
  WorkerRef chosen = entry->owner;
  if (!has_owner || !owner_only) {
    auto candidates = candidates_of(board);
    if (candidates.empty()) candidates.push_back({.worker = self, .clients = 0});
    // Whoever has viewers of a stream that lost its owner is its natural heir.
    std::optional<WorkerRef> preferred;
    if (has_owner) preferred = entry->owner;
    for (const auto& load : candidates) {
      const auto& viewers = entry->viewers[load.worker.slot];
      if (!preferred && viewers.generation == load.worker.generation && viewers.count > 0) {
        preferred = load.worker;
      }
    }
    chosen = ace::host::place(preferred, self, candidates);
  }
  if (!has_owner) entry->owner = chosen;
  if (chosen == self) {
    ++board.slots[self.slot].clients;
  } else {
    ++board.slots[self.slot].placing[chosen.slot];
  }
  return Placing{.worker = chosen, .is_owner = entry->owner == chosen};
}

void OwnershipTable::counted_elsewhere(Scoreboard& board, WorkerRef self, WorkerRef target) {
  if (!board.is_alive(self)) return;
  auto& placing = board.slots[self.slot].placing[target.slot];
  auto count = placing.load();
  while (count > 0 && !placing.compare_exchange_weak(count, count - 1)) {
  }
}

void OwnershipTable::describe(const proto::StreamId& id, WorkerRef self,
                              const StreamDetails& details) {
  const std::lock_guard lock{mutex_};
  Entry* entry = find_entry(id);
  if (entry == nullptr || entry->owner != self) return;
  entry->phase = details.phase;
  entry->kind = details.kind;
  store_text(entry->engine_id, details.engine_id);
  store_text(entry->infohash, details.infohash);
  store_text(entry->session,
             details.session.size() <= kMaxSession ? details.session : std::string_view{});
}

void OwnershipTable::set_engine(const proto::StreamId& id, WorkerRef self,
                                std::string_view engine_id) {
  const std::lock_guard lock{mutex_};
  Entry* entry = find_entry(id);
  if (entry != nullptr && entry->owner == self) store_text(entry->engine_id, engine_id);
}

void OwnershipTable::advance(const proto::StreamId& id, WorkerRef self, proto::OwnerEpoch epoch,
                             proto::ChunkIndex index) {
  const std::lock_guard lock{mutex_};
  Entry* entry = find_entry(id);
  if (entry == nullptr || entry->owner != self) return;
  entry->epoch = std::max(entry->epoch, epoch);
  entry->index = std::max(entry->index, index);
}

void OwnershipTable::remember_failure(const Scoreboard& board, const proto::StreamId& id,
                                      SteadyTime until, std::string_view failure) {
  const std::lock_guard lock{mutex_};
  Entry* entry = find_or_add(board, id);
  if (entry == nullptr) return;
  starters_[at(*entry)] = 0;
  store_text(entry->failure, failure);
  entry->failed_until = until;
  entry->failed_at_ms = unix_ms_now();
}

void OwnershipTable::remember_played(const proto::StreamId& id) {
  const std::lock_guard lock{mutex_};
  if (const Entry* entry = find_entry(id)) starters_[at(*entry)] = 0;
  const auto fingerprint = fingerprint_of(id);
  if (has_played(fingerprint)) return;
  played_[next_played_] = fingerprint;
  next_played_ = (next_played_ + 1) % kMaxPlayed;
}

std::optional<std::string> OwnershipTable::failure_of(const proto::StreamId& id, SteadyTime now) {
  const std::lock_guard lock{mutex_};
  const Entry* entry = find_entry(id);
  if (entry == nullptr || entry->failed_until <= now) return std::nullopt;
  return load_text(entry->failure);
}

void OwnershipTable::set_viewers(const Scoreboard& board, const proto::StreamId& id, WorkerRef self,
                                 std::uint32_t viewers) {
  const std::lock_guard lock{mutex_};
  Entry* entry = viewers > 0 ? find_or_add(board, id) : find_entry(id);
  if (entry == nullptr) return;
  entry->viewers[self.slot] = {.generation = self.generation, .count = viewers};
  free_if_unused(board, *entry);
}

std::optional<StreamView> OwnershipTable::find(const Scoreboard& board, const proto::StreamId& id) {
  const std::lock_guard lock{mutex_};
  const Entry* entry = find_entry(id);
  if (entry == nullptr) return std::nullopt;
  return view_of(board, *entry);
}

proto::StreamId OwnershipTable::played_as(const proto::StreamId& id) {
  const std::lock_guard lock{mutex_};
  const Entry* by_infohash = nullptr;
  for (std::size_t i = 0; i < kMaxStreams; ++i) {
    if (fingerprints_[i] == 0) continue;
    const auto& entry = entries_[i];
    if (std::ranges::find(entry.names, id) != entry.names.end()) return entry.id;
    const bool has_owner = entry.owner.generation != 0;
    if (has_owner && id.text() == entry.infohash.data()) by_infohash = &entry;
  }
  const Entry* own = find_entry(id);
  const bool has_own = own != nullptr && own->owner.generation != 0;
  return has_own || by_infohash == nullptr ? id : by_infohash->id;
}

proto::StreamId OwnershipTable::play_infohash(const Scoreboard& board, const proto::StreamId& id,
                                              WorkerRef self, const proto::StreamId& infohash) {
  const std::lock_guard lock{mutex_};
  Entry* own = find_entry(id);
  if (own == nullptr || own->owner != self || infohash.text() == own->infohash.data()) return id;
  for (std::size_t i = 0; i < kMaxStreams; ++i) {
    const auto& other = entries_[i];
    if (fingerprints_[i] == 0 || &other == own || !board.is_alive(other.owner)) continue;
    if (infohash.text() == other.infohash.data()) return other.id;
  }
  store_text(own->infohash, infohash.text());
  forget_name(id);
  return id;
}

void OwnershipTable::add_name(const proto::StreamId& id, const proto::StreamId& name) {
  const std::lock_guard lock{mutex_};
  Entry* entry = find_entry(id);
  if (entry == nullptr || id == name) return;
  forget_name(name);
  forget_name(id);  // or two streams would each lead to the other
  std::rotate(entry->names.begin(), entry->names.end() - 1, entry->names.end());
  entry->names.front() = name;
}

void OwnershipTable::forget_name(const proto::StreamId& name) {
  for (std::size_t i = 0; i < kMaxStreams; ++i) {
    if (fingerprints_[i] == 0) continue;
    std::ranges::replace(entries_[i].names, name, proto::StreamId{});
  }
}

std::vector<StreamView> OwnershipTable::list(const Scoreboard& board) {
  const std::lock_guard lock{mutex_};
  std::vector<StreamView> views;
  for (std::size_t i = 0; i < kMaxStreams; ++i) {
    if (fingerprints_[i] == 0) continue;
    auto view = view_of(board, entries_[i]);
    // An entry that only remembers a failure is no stream.
    if (view.owner.generation != 0 || view.viewers > 0) views.push_back(std::move(view));
  }
  return views;
}

void OwnershipTable::each_owned(const Scoreboard& board,
                                const std::function<void(const Glance&)>& told) {
  const std::lock_guard lock{mutex_};
  for (std::size_t i = 0; i < kMaxStreams; ++i) {
    const auto& entry = entries_[i];
    if (fingerprints_[i] == 0 || !board.is_alive(entry.owner)) continue;
    const auto& engine = entry.engine_id;
    told({.id = entry.id, .engine_id = {engine.data(), ::strnlen(engine.data(), engine.size())}});
  }
}

std::vector<StreamView> OwnershipTable::failed(const Scoreboard& board) {
  const std::lock_guard lock{mutex_};
  std::vector<StreamView> views;
  for (std::size_t i = 0; i < kMaxStreams; ++i) {
    if (fingerprints_[i] != 0 && has_failed(board, entries_[i])) {
      views.push_back(view_of(board, entries_[i]));
    }
  }
  return views;
}

std::vector<proto::StreamId> OwnershipTable::owned_by(WorkerRef self) {
  const std::lock_guard lock{mutex_};
  std::vector<proto::StreamId> ids;
  for (std::size_t i = 0; i < kMaxStreams; ++i) {
    const bool is_stream = fingerprints_[i] != 0 && entries_[i].kind != StreamKind::Film;
    if (is_stream && entries_[i].owner == self) ids.push_back(entries_[i].id);
  }
  return ids;
}

std::vector<proto::StreamId> OwnershipTable::orphans(const Scoreboard& board) {
  const std::lock_guard lock{mutex_};
  std::vector<proto::StreamId> ids;
  for (std::size_t i = 0; i < kMaxStreams; ++i) {
    if (fingerprints_[i] == 0) continue;
    const auto& entry = entries_[i];
    if (entry.kind == StreamKind::Film) continue;  // it dies with its worker
    const bool had_owner = entry.owner.generation != 0;
    if (had_owner && !board.is_alive(entry.owner) && count_viewers(board, entry) == 0) {
      ids.push_back(entry.id);
    }
  }
  return ids;
}

OwnershipTable::Entry* OwnershipTable::find_entry(const proto::StreamId& id) {
  const std::uint64_t fingerprint = fingerprint_of(id);
  for (std::size_t i = 0; i < kMaxStreams; ++i) {
    if (fingerprints_[i] == fingerprint && entries_[i].id == id) return &entries_[i];
  }
  return nullptr;
}

OwnershipTable::Entry* OwnershipTable::find_or_add(const Scoreboard& board,
                                                   const proto::StreamId& id) {
  if (Entry* entry = find_entry(id)) {
    const bool is_past = entry->owner.generation == 0 && entry->failed_at_ms != 0;
    if (is_past) free_if_unused(board, *entry);  // it was only kept to be shown
    if (find_entry(id) == entry) return entry;
  }
  if (free_places() <= kReserved) make_room(board);
  if (free_places() <= kReserved && !has_played(fingerprint_of(id))) return nullptr;
  const auto free = std::ranges::find(fingerprints_, std::uint64_t{0});
  if (free == fingerprints_.end()) return nullptr;
  Entry& entry = entries_[static_cast<std::size_t>(free - fingerprints_.begin())];
  entry = Entry{};
  starters_[at(entry)] = 0;
  entry.id = id;
  entry.started_at_ms = unix_ms_now();
  *free = fingerprint_of(id);
  return &entry;
}

std::uint32_t OwnershipTable::count_viewers(const Scoreboard& board, const Entry& entry) {
  std::uint32_t viewers = 0;
  for (std::uint32_t slot = 0; slot < kMaxSlots; ++slot) {
    const auto& here = entry.viewers[slot];
    if (here.count > 0 && board.is_alive({.slot = slot, .generation = here.generation})) {
      viewers += here.count;
    }
  }
  return viewers;
}

bool OwnershipTable::has_failed(const Scoreboard& board, const Entry& entry) {
  return entry.failed_until + kShowFailed > SystemClock{}.now() && entry.failed_at_ms != 0 &&
         !is_in_use(board, entry);
}

StreamView OwnershipTable::view_of(const Scoreboard& board, const Entry& entry) {
  const bool has_failed = OwnershipTable::has_failed(board, entry);
  return {.id = entry.id,
          .owner = board.is_alive(entry.owner) ? entry.owner : WorkerRef{},
          .phase = has_failed ? StreamPhase::Failed : entry.phase,
          .kind = entry.kind,
          .epoch = entry.epoch,
          .index = entry.index,
          .started_at_ms = entry.started_at_ms,
          .viewers = count_viewers(board, entry),
          .engine_id = load_text(entry.engine_id),
          .infohash = load_text(entry.infohash),
          .session = load_text(entry.session),
          .failure = has_failed ? load_text(entry.failure) : std::string{},
          .failed_at_ms = has_failed ? entry.failed_at_ms : 0};
}

bool OwnershipTable::is_in_use(const Scoreboard& board, const Entry& entry) {
  return board.is_alive(entry.owner) || count_viewers(board, entry) > 0;
}

void OwnershipTable::free_if_unused(const Scoreboard& board, Entry& entry) {
  if (is_in_use(board, entry)) return;
  if (entry.failed_until > SystemClock{}.now()) return;
  fingerprints_[at(entry)] = 0;
}

std::size_t OwnershipTable::at(const Entry& entry) const {
  return static_cast<std::size_t>(&entry - entries_.data());
}

bool OwnershipTable::has_played(std::uint64_t fingerprint) const {
  return std::ranges::find(played_, fingerprint) != played_.end();
}

bool OwnershipTable::is_cold(const Scoreboard& board, const proto::StreamId& id) {
  const Entry* entry = find_entry(id);
  return entry == nullptr || !is_in_use(board, *entry);
}

bool OwnershipTable::may_start(const Scoreboard& board, const proto::StreamId& id,
                               const Starter& starter) const {
  if (starter.key == 0 || starter.most_starts == 0) return true;
  std::size_t starts = 0;
  for (std::size_t i = 0; i < kMaxStreams; ++i) {
    const bool is_its = fingerprints_[i] != 0 && starters_[i] == starter.key;
    if (is_its && board.is_alive(entries_[i].owner)) ++starts;
  }
  return starts < starter.most_starts || has_played(fingerprint_of(id));
}

std::size_t OwnershipTable::free_places() const {
  return static_cast<std::size_t>(std::ranges::count(fingerprints_, std::uint64_t{0}));
}

void OwnershipTable::make_room(const Scoreboard& board) {
  const auto now = SystemClock{}.now();
  if (now - no_room_at_ < kSweepPause) return;
  // Entries whose owner and viewers all died, or that failed, are only noticed when room is needed.
  for (auto& entry : entries_) free_if_unused(board, entry);
  if (free_places() > kReserved) return;
  // To know of a failure is worth less than a stream: who asks for that one again tries it again.
  for (auto& entry : entries_) {
    if (!is_in_use(board, entry)) fingerprints_[at(entry)] = 0;
  }
  if (free_places() <= kReserved) no_room_at_ = now;
}

}  // namespace ace::host
