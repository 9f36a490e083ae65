#include "coordinator/host/film_table.h"

#include <algorithm>
#include <mutex>

#include "coordinator/host/shared_text.h"

namespace ace::host {

void FilmTable::note(const proto::StreamId& id, WorkerRef self, SteadyTime now) {
  const std::lock_guard lock{mutex_};
  auto* entry = find(id, now);
  if (entry == nullptr) {
    // A free one, or the one that was asked for longest ago.
    entry = &*std::ranges::min_element(entries_, {}, [](const Entry& each) {
      return each.is_taken ? each.asked_at : SteadyTime::min();
    });
    *entry = Entry{};
    entry->id = id;
  }
  entry->player = self;
  entry->asked_at = now;
  entry->is_taken = true;
}

void FilmTable::describe(const proto::StreamId& id, const FilmFacts& facts) {
  const std::lock_guard lock{mutex_};
  for (auto& entry : entries_) {
    if (!entry.is_taken || entry.id != id) continue;
    entry.size = facts.size;
    store_text(entry.content_type, facts.content_type);
  }
}

void FilmTable::forget(const proto::StreamId& id) {
  const std::lock_guard lock{mutex_};
  for (auto& entry : entries_) {
    if (entry.id == id) entry.is_taken = false;
  }
}

bool FilmTable::is_film(const proto::StreamId& id, SteadyTime now) {
  const std::lock_guard lock{mutex_};
  return find(id, now) != nullptr;
}

std::optional<WorkerRef> FilmTable::player_of(const Scoreboard& board, const proto::StreamId& id,
                                              WorkerRef self, SteadyTime now) {
  const std::lock_guard lock{mutex_};
  auto* entry = find(id, now);
  if (entry == nullptr) return std::nullopt;
  const auto slot = entry->player.slot;
  const bool serves = board.is_alive(entry->player) &&
                      board.slots[slot].phase == WorkerPhase::Serving &&
                      board.has_beaten(slot, kFreshBeat);
  if (!serves) entry->player = self;
  entry->asked_at = now;
  return entry->player;
}

std::optional<FilmFacts> FilmTable::facts_of(const proto::StreamId& id, SteadyTime now) {
  const std::lock_guard lock{mutex_};
  const auto* entry = find(id, now);
  if (entry == nullptr) return std::nullopt;
  return FilmFacts{.size = entry->size, .content_type = load_text(entry->content_type)};
}

FilmTable::Entry* FilmTable::find(const proto::StreamId& id, SteadyTime now) {
  for (auto& entry : entries_) {
    if (entry.is_taken && entry.id == id && now - entry.asked_at < kKeep) return &entry;
  }
  return nullptr;
}

}  // namespace ace::host
