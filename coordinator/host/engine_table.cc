#include "coordinator/host/engine_table.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "coordinator/host/shared_text.h"

namespace ace::host {

using std::chrono::milliseconds;

bool EngineTable::note_answer(std::string_view id, const EngineAnswer& answer, SteadyTime now) {
  const std::lock_guard lock{mutex_};
  Entry& entry = find_or_add(id, now);
  store_text(entry.version, answer.version);
  store_text(entry.endpoint, answer.endpoint);
  store_text(entry.device, answer.device);
  entry.misses = 0;
  entry.good_answers = std::min(entry.good_answers + 1, kGoodAnswers);
  const bool is_well =
      entry.health != EngineHealth::Unhealthy || entry.good_answers >= kGoodAnswers;
  if (!is_well) return false;
  const auto before = std::exchange(entry.health, EngineHealth::Healthy);
  if (before == EngineHealth::Unhealthy) entry.session_failures = 0;
  return before != EngineHealth::Healthy;
}

bool EngineTable::note_miss(std::string_view id, const EngineTrouble& trouble, SteadyTime now) {
  const std::lock_guard lock{mutex_};
  Entry& entry = find_or_add(id, now);
  record(entry, trouble);
  entry.good_answers = 0;
  entry.misses = std::min(entry.misses + 1, kMisses);
  if (entry.misses < kMisses) return false;
  store_text(entry.endpoint, "");  // who will answer next nobody knows
  store_text(entry.device, "");
  return fall_ill(entry);
}

bool EngineTable::note_session_failure(std::string_view id, const EngineTrouble& trouble,
                                       SteadyTime now) {
  const std::lock_guard lock{mutex_};
  Entry& entry = find_or_add(id, now);
  record(entry, trouble);
  entry.failed_at = now;
  entry.session_failures = std::min(entry.session_failures + 1, kMisses);
  return entry.session_failures >= kMisses && fall_ill(entry);
}

void EngineTable::note_session_success(std::string_view id, SteadyTime now) {
  const std::lock_guard lock{mutex_};
  Entry& entry = find_or_add(id, now);
  entry.session_failures = 0;
  entry.failed_at = {};
}

void EngineTable::note_trouble(std::string_view id, const EngineTrouble& trouble, SteadyTime now) {
  const std::lock_guard lock{mutex_};
  record(find_or_add(id, now), trouble);
}

void EngineTable::note_start(std::string_view id, SteadyTime now) {
  const std::lock_guard lock{mutex_};
  find_or_add(id, now).started_at = now;
}

void EngineTable::set_draining(std::string_view id, bool is_draining, SteadyTime now) {
  const std::lock_guard lock{mutex_};
  find_or_add(id, now).is_draining = is_draining;
}

void EngineTable::set_draining(const std::set<std::string>& ids, SteadyTime now) {
  const std::lock_guard lock{mutex_};
  for (auto& entry : entries_) {
    if (entry.is_draining) entry.is_draining = ids.contains(load_text(entry.id));
  }
  for (const auto& id : ids) find_or_add(id, now).is_draining = true;
}

bool EngineTable::is_draining(std::string_view id) {
  const std::lock_guard lock{mutex_};
  const Entry* entry = find(id);
  return entry != nullptr && entry->is_draining;
}

EngineState EngineTable::state_of(std::string_view id, SteadyTime now) {
  const std::lock_guard lock{mutex_};
  const Entry* entry = find(id);
  if (entry == nullptr) return {};
  return {.health = entry->health,
          .has_just_failed = has_just_failed(*entry, now),
          .is_draining = entry->is_draining,
          .version = load_text(entry->version),
          .endpoint = load_text(entry->endpoint),
          .device = load_text(entry->device),
          .error_phase = load_text(entry->error_phase),
          .error_text = load_text(entry->error_text),
          .error_at_ms = entry->error_at_ms};
}

void EngineTable::rate(std::span<EngineBid> bids, SteadyTime now, milliseconds settle) {
  const std::lock_guard lock{mutex_};
  rate_locked(bids, now, settle);
}

EngineChoice EngineTable::choose(OwnershipTable& streams, const Scoreboard& board,
                                 const proto::StreamId& id, WorkerRef self,
                                 std::span<EngineBid> bids, SteadyTime now, milliseconds settle) {
  const std::lock_guard lock{mutex_};
  rate_locked(bids, now, settle);
  // Everybody who chooses holds our lock, so that nobody is counted between these two steps.
  count_loads(streams, board, id, bids);
  const auto choice = choose_engine(bids);
  if (choice.pick != EnginePick::Chosen) return choice;
  const auto& engine = bids[choice.at].id;
  streams.set_engine(id, self, engine);
  find_or_add(engine, now).started_at = now;
  return choice;
}

void EngineTable::rate_locked(std::span<EngineBid> bids, SteadyTime now, milliseconds settle) {
  for (auto& bid : bids) {
    const Entry* entry = find(bid.id);
    bid.settling = {};
    if (bid.tier != EngineTier::Excluded) bid.tier = EngineTier::Fit;
    for (const auto& other : bid.other_names) {
      const Entry* twin = find(other);
      if (twin != nullptr && twin->is_draining) bid.tier = EngineTier::Excluded;
    }
    if (entry == nullptr) continue;
    const auto since = std::chrono::duration_cast<milliseconds>(now - entry->started_at);
    bid.settling = std::max(milliseconds{0}, settle - since);
    if (bid.tier == EngineTier::Excluded) continue;
    if (has_just_failed(*entry, now)) bid.tier = EngineTier::JustFailed;
    if (entry->health == EngineHealth::Unhealthy) bid.tier = EngineTier::Unhealthy;
    if (entry->is_draining) bid.tier = EngineTier::Excluded;
  }
}

void EngineTable::record(Entry& entry, const EngineTrouble& trouble) {
  store_text(entry.error_phase, trouble.phase);
  store_text(entry.error_text, trouble.text);
  entry.error_at_ms = trouble.at_ms;
}

bool EngineTable::fall_ill(Entry& entry) {
  entry.good_answers = 0;
  return std::exchange(entry.health, EngineHealth::Unhealthy) != EngineHealth::Unhealthy;
}

bool EngineTable::has_just_failed(const Entry& entry, SteadyTime now) {
  return entry.failed_at != SteadyTime{} && now - entry.failed_at < kSitOut;
}

EngineTable::Entry* EngineTable::find(std::string_view id) {
  const auto found = std::ranges::find_if(
      entries_, [id](const Entry& entry) { return id == std::string_view{entry.id.data()}; });
  return found == entries_.end() || id.empty() ? nullptr : &*found;
}

EngineTable::Entry& EngineTable::find_or_add(std::string_view id, SteadyTime now) {
  id = id.substr(0, std::tuple_size_v<decltype(Entry::id)> - 1);
  Entry* entry = find(id);
  if (entry == nullptr) {
    // Free ones were never touched; of many more engines than there is room for, the longest
    // unheard of is forgotten.
    entry = &*std::ranges::min_element(entries_, {}, &Entry::touched_at);
    *entry = Entry{};
    store_text(entry->id, id);
  }
  entry->touched_at = now;
  return *entry;
}

}  // namespace ace::host
