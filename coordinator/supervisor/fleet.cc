#include "coordinator/supervisor/fleet.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>

#include "shared/log/log.h"

namespace ace::supervisor {
namespace {

using std::chrono::duration_cast;

/// Longer between two looks than any busy supervisor takes: the machine slept, or we were stopped.
constexpr std::chrono::seconds kOverslept{3};

}  // namespace

Fleet::Fleet(ProcessApi& processes, const Clock& clock, host::Scoreboard& board,
             ChildMain child_main)
    : processes_{processes}, clock_{clock}, board_{board}, child_main_{std::move(child_main)} {
  last_watch_ = watched_since_ = clock_.now();
}

void Fleet::adopt(WorkerSlot slot) {
  const auto index = slot.worker.slot;
  slot.round = round_;
  slots_[index] = std::move(slot);
  was_settled_ = true;  // the service has started; what fails now is no reason to end it
}

void Fleet::want(unsigned workers) {
  wanted_ = workers;
  budget_.set_burst(std::max<std::size_t>(4, workers));
}

void Fleet::step() {
  if (is_stopping_) return;
  watch_beats();
  restart_due();
  balance_rounds();
  replace_heirs();
  was_settled_ = was_settled_ || is_settled();
}

void Fleet::balance_rounds() {
  while (WorkerSlot* old = oldest_round()) {
    if (old->state == SlotState::BackingOff) {
      old->round = round_;  // nobody to replace: its next worker has the new config anyway
      continue;
    }
    const auto is_waiting = [this](const WorkerSlot& slot) {
      return slot.is_active() && slot.round == round_ && slot.state != SlotState::Ready;
    };
    if (std::any_of(slots_.begin(), slots_.end(), is_waiting)) return;  // one at a time
    if (active_of_round(true) + active_of_round(false) > wanted_) {
      drain(*old, newest_heir());
    } else if (!start_another()) {
      return;
    }
  }
  fill_up();
}

void Fleet::fill_up() {
  while (active_of_round(true) < wanted_) {
    if (!start_another()) return;
  }
  while (active_of_round(true) > wanted_) {
    const auto waits = std::find_if(slots_.begin(), slots_.end(), [](const WorkerSlot& slot) {
      return slot.state == SlotState::BackingOff;
    });
    WorkerSlot* surplus = waits != slots_.end() ? &*waits : newest_ready();
    if (surplus == nullptr) return;  // those that start are told when they have
    // One worker would get what all of them shall share: it keeps what it has.
    if (!surplus->apply(SlotEvent::GivenUp)) drain(*surplus, {});
  }
}

void Fleet::restart_due() {
  const SteadyTime now = clock_.now();
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    auto& slot = slots_[i];
    if (slot.state != SlotState::BackingOff || slot.restart_at > now) continue;
    slot.restart_at = budget_.next(now);
    if (slot.restart_at > now) continue;
    budget_.spend(now);
    slot.round = round_;
    if (start_in(i)) ++board_.restarts;
  }
}

void Fleet::watch_beats() {
  const SteadyTime now = clock_.now();
  // After a pause of our own every beat looks old; nobody has had a chance to beat meanwhile.
  if (now - last_watch_ > kOverslept) watched_since_ = now;
  last_watch_ = now;
  for (auto& slot : slots_) {
    if (!slot.has_process() || slot.is_killed) continue;
    const SteadyTime beat{std::chrono::nanoseconds{board_.slots[slot.worker.slot].beat_ns}};
    const auto heard = std::max(beat, watched_since_);
    const auto started = std::max(slot.started, watched_since_);
    if (now - heard >= kLongestSilence) {
      kill_hung(slot, "worker_hangs", heard);
    } else if (slot.state == SlotState::Starting && now - started >= kLongestStart) {
      kill_hung(slot, "worker_never_ready", started);
    }
  }
}

void Fleet::kill_hung(WorkerSlot& slot, std::string_view event, SteadyTime since) {
  const auto silence = duration_cast<milliseconds>(clock_.now() - since);
  log::error(event, "slot={} pid={} state={} silent_ms={}", slot.worker.slot, slot.pid,
             to_string(slot.state), silence.count());
  slot.is_killed = true;
  processes_.kill(slot.pid, SIGKILL);
}

std::optional<SteadyTime> Fleet::next_due() const {
  std::optional<SteadyTime> due;
  for (const auto& slot : slots_) {
    if (slot.state != SlotState::BackingOff || is_stopping_) continue;
    due = due ? std::min(*due, slot.restart_at) : slot.restart_at;
  }
  return due;
}

void Fleet::on_exit(const ChildExit& ended) {
  WorkerSlot* slot = find(ended.pid);
  if (slot == nullptr) return;  // an orphan that was given to us
  const SteadyTime now = clock_.now();
  note_end(*slot, ended);
  if (!was_settled_ && slot->state == SlotState::Starting) ++failed_starts_;
  const auto dead = slot->worker;
  slot->pid = 0;
  slot->control.reset();
  slot->is_killed = false;
  board_.close_slot(dead.slot);
  slot->apply(SlotEvent::Died);
  if (slot->state == SlotState::BackingOff) back_off(*slot, now);
  tell_all({.kind = ControlKind::WorkerDied, .worker = dead, .pid = ended.pid});
}

void Fleet::note_end(const WorkerSlot& slot, const ChildExit& ended) {
  const auto lived = duration_cast<milliseconds>(clock_.now() - slot.started).count();
  const bool is_expected = is_stopping_ || slot.state == SlotState::Draining;
  // Before it has its handlers, a worker ends by the SIGTERM itself.
  const bool never_served = slot.state == SlotState::Starting && WIFSIGNALED(ended.status) &&
                            WTERMSIG(ended.status) == SIGTERM;
  const bool is_clean = ended.is_clean() || (is_stopping_ && never_served);
  if (is_stopping_) has_left_cleanly_ = has_left_cleanly_ && is_clean;
  const auto level = is_expected && is_clean ? log::Level::Info : log::Level::Error;
  log::write(level, "worker_ended",
             fmt::format("slot={} pid={} state={} how={:?} lived_ms={}", slot.worker.slot, slot.pid,
                         to_string(slot.state), ended.describe(), lived));
}

void Fleet::back_off(WorkerSlot& slot, SteadyTime now) {
  if (is_stopping_) {
    slot.apply(SlotEvent::GivenUp);
    return;
  }
  const auto delay = slot.restarts.after_death(duration_cast<milliseconds>(now - slot.started));
  slot.restart_at = now + delay;
  log::info("worker_restart_in", "slot={} delay_ms={}", slot.worker.slot, delay.count());
}

void Fleet::on_control(std::uint32_t index) {
  auto& slot = slots_[index];
  while (slot.control) {
    const auto message = receive_control(slot.control.get());
    if (!message) {
      slot.control.reset();  // it is leaving; its exit tells the rest
      return;
    }
    if (!*message) return;
    if ((*message)->kind != ControlKind::Ready || !slot.apply(SlotEvent::SaidReady)) continue;
    log::info("worker_ready", "slot={} pid={} took_ms={}", index, slot.pid,
              duration_cast<milliseconds>(clock_.now() - slot.started).count());
  }
}

void Fleet::tell_all(ControlMessage message) {
  for (const auto& slot : slots_) {
    if (!slot.control) continue;
    if (const auto sent = send_control(slot.control.get(), message); !sent) {
      log::warn("worker_not_told", "slot={} reason={:?}", slot.worker.slot, sent.error().text);
    }
  }
}

bool Fleet::start_another() {
  const auto free = std::find_if(slots_.begin(), slots_.end(), [](const WorkerSlot& slot) {
    return slot.state == SlotState::Empty;
  });
  if (free == slots_.end()) return false;  // all taken by workers that drain: one of them leaves
  free->round = round_;
  free->restarts.forget();
  return start_in(static_cast<std::uint32_t>(free - slots_.begin()));
}

bool Fleet::start_in(std::uint32_t index) {
  auto& slot = slots_[index];
  slot.apply(SlotEvent::Forked);
  slot.worker = board_.open_slot(index);
  slot.started = clock_.now();
  auto channel = make_control_channel();
  if (!channel) {
    log::error("worker_start_failed", "slot={} reason={:?}", index, channel.error().text);
    fail_start(slot);
    return false;
  }
  slot.control = std::move(channel->supervisor);
  const auto pid = processes_.fork([this, &slot, &channel]() -> int {
    close_in_child();
    return child_main_(slot.worker, std::move(channel->worker));
  });
  if (!pid) {
    log::error("worker_start_failed", "slot={} reason={:?}", index, pid.error().text);
    fail_start(slot);
    return false;
  }
  slot.pid = *pid;
  board_.set_pid(slot.worker, *pid);
  log::info("worker_started", "slot={} pid={}", index, *pid);
  return true;
}

void Fleet::fail_start(WorkerSlot& slot) {
  slot.control.reset();
  board_.close_slot(slot.worker.slot);
  slot.apply(SlotEvent::Died);
  if (!was_settled_) ++failed_starts_;
  back_off(slot, clock_.now());
}

void Fleet::drain(WorkerSlot& slot, host::WorkerRef heir) {
  if (!slot.apply(SlotEvent::ToldToDrain)) return;
  slot.heir = heir;
  log::info("worker_drains", "slot={} pid={} heir={}", slot.worker.slot, slot.pid,
            heir.generation != 0 ? fmt::to_string(heir.slot) : "none");
  const auto told = send_control(slot.control.get(), {.kind = ControlKind::Drain, .worker = heir});
  if (!told) processes_.kill(slot.pid, SIGTERM);  // it does not read: the next best way to leave
}

void Fleet::replace_heirs() {
  const auto heir = newest_heir();
  if (heir.generation == 0) return;
  for (auto& slot : slots_) {
    const bool had_one = slot.state == SlotState::Draining && slot.heir.generation != 0;
    if (!had_one || !slot.control || is_ready(slot.heir)) continue;
    slot.heir = heir;
    // Busy or gone: then it keeps what it has.
    (void)send_control(slot.control.get(), {.kind = ControlKind::Drain, .worker = heir});
  }
}

bool Fleet::is_ready(host::WorkerRef worker) const {
  const auto& slot = slots_[worker.slot];
  return slot.worker == worker && slot.state == SlotState::Ready;
}

void Fleet::stop() {
  is_stopping_ = true;
  for (auto& slot : slots_) {
    slot.apply(SlotEvent::GivenUp);
    if (slot.has_process()) processes_.kill(slot.pid, SIGTERM);
  }
}

void Fleet::kill_all() {
  for (auto& slot : slots_) {
    if (!slot.has_process()) continue;
    log::warn("worker_killed", "slot={} pid={}", slot.worker.slot, slot.pid);
    processes_.kill(slot.pid, SIGKILL);
  }
}

bool Fleet::is_settled() const {
  std::size_t ready = 0;
  for (const auto& slot : slots_) {
    if (!slot.is_active()) continue;
    if (slot.round != round_ || slot.state != SlotState::Ready) return false;
    ++ready;
  }
  return ready == wanted_;
}

bool Fleet::is_round_stuck() const {
  const auto has_failed = [this](const WorkerSlot& slot) {
    return slot.state == SlotState::BackingOff && slot.round == round_;
  };
  return active_of_round(false) > 0 && std::any_of(slots_.begin(), slots_.end(), has_failed);
}

bool Fleet::is_empty() const {
  return std::none_of(slots_.begin(), slots_.end(),
                      [](const WorkerSlot& slot) { return slot.has_process(); });
}

Fleet::Count Fleet::count() const {
  Count count;
  for (const auto& slot : slots_) {
    if (slot.state == SlotState::Ready) ++count.ready;
    if (slot.state == SlotState::Draining) ++count.draining;
    if (slot.state == SlotState::Starting || slot.state == SlotState::BackingOff) ++count.others;
  }
  return count;
}

void Fleet::close_in_child() {
  for (auto& slot : slots_) slot.control.reset();
}

std::size_t Fleet::active_of_round(bool is_current) const {
  const auto counts = [&](const WorkerSlot& slot) {
    return slot.is_active() && (slot.round == round_) == is_current;
  };
  return static_cast<std::size_t>(std::count_if(slots_.begin(), slots_.end(), counts));
}

WorkerSlot* Fleet::newest_ready() {
  WorkerSlot* newest = nullptr;
  for (auto& slot : slots_) {
    if (slot.state != SlotState::Ready) continue;
    if (newest == nullptr || slot.started >= newest->started) newest = &slot;
  }
  return newest;
}

host::WorkerRef Fleet::newest_heir() const {
  const WorkerSlot* newest = nullptr;
  for (const auto& slot : slots_) {
    if (slot.state != SlotState::Ready || slot.round != round_) continue;
    if (newest == nullptr || slot.started >= newest->started) newest = &slot;
  }
  return newest != nullptr ? newest->worker : host::WorkerRef{};
}

WorkerSlot* Fleet::oldest_round() {
  const auto old = std::find_if(slots_.begin(), slots_.end(), [this](const WorkerSlot& slot) {
    return slot.is_active() && slot.round != round_;
  });
  return old == slots_.end() ? nullptr : &*old;
}

WorkerSlot* Fleet::find(pid_t pid) {
  const auto slot = std::find_if(slots_.begin(), slots_.end(),
                                 [pid](const WorkerSlot& each) { return each.pid == pid; });
  return slot == slots_.end() ? nullptr : &*slot;
}

}  // namespace ace::supervisor
