#include "workers/streams/session/orphan_watch.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "coordinator/ownership/replies.h"
#include "proto/redis/redis_keys.h"
#include "proto/redis/redis_scripts.h"
#include "shared/base/random_id.h"
#include "shared/log/log.h"
#include "workers/streams/session/local_process.h"

namespace ace::streams {
namespace {

using std::chrono::milliseconds;

/// Every 2 s on average. The spread keeps hosts that were started together from looking together.
constexpr milliseconds kLookAfter{1'500};
constexpr milliseconds kSpread{1'000};
/// Streams drawn from the set at a look.
constexpr unsigned kDraw = 64;
constexpr std::size_t kMostSuspects = 256;
/// Whoever follows a stream claims it within half a second of its owner's end. And a dead host's
/// workers may look alive for a renewal longer than its streams look owned: their clients would
/// count as viewers, for whom an engine would be asked.
constexpr milliseconds kHeirsFirst{2'500};

const redis::Script& inspect_script() {
  static const redis::Script script{proto::kInspectScript};
  return script;
}

}  // namespace

OrphanWatch::OrphanWatch(StreamServices& services, StreamManager& streams,
                         ownership::WorkerPresence& presence)
    : services_{services},
      streams_{streams},
      presence_{presence},
      timer_{services.timers.make()},
      alive_{std::make_shared<OrphanWatch*>(this)} {
  look_in(kLookAfter);
}

OrphanWatch::~OrphanWatch() = default;

void OrphanWatch::on_worker_died() {
  if (services_.board().is_caretaker(services_.self)) mind_local();
}

void OrphanWatch::look_in(milliseconds delay) {
  timer_->once(delay, [this] {
    const auto spread = random_u64() % static_cast<std::uint64_t>(kSpread.count());
    look_in(kLookAfter + milliseconds{spread});
    look();
  });
}

void OrphanWatch::look() {
  if (!services_.board().is_caretaker(services_.self)) {
    free_since_.clear();
    return;
  }
  mind_local();
  if (services_.redis_is_up()) draw();
}

void OrphanWatch::mind_local() {
  for (const auto& id : services_.table().orphans(services_.board())) {
    log::info("orphan_found", "stream={} where=host", id.text());
    streams_.mind(id);
  }
}

void OrphanWatch::draw() {
  services_.commands.command({"SRANDMEMBER", proto::active_streams_key(), fmt::to_string(kDraw)},
                             [weak = std::weak_ptr{alive_}](const Result<redis::Reply>& reply) {
                               const auto self = weak.lock();
                               if (self && reply) (*self)->on_drawn(*reply);
                             });
}

void OrphanWatch::on_drawn(const redis::Reply& members) {
  std::vector<proto::StreamId> drawn;
  for (std::size_t i = 0; i < members.elements.size(); ++i) {
    const std::string text{ownership::text_at(members, i)};
    const auto id = proto::StreamId::parse(text);
    if (!id || id->text() != text) {
      services_.commands.command({"SREM", proto::active_streams_key(), text},
                                 [](const Result<redis::Reply>&) {});
    } else if (!free_since_.contains(*id)) {
      drawn.push_back(*id);
    }
  }
  for (const auto& [id, since] : free_since_) drawn.push_back(id);
  for (const auto& id : drawn) inspect(id);
}

bool OrphanWatch::is_run_here(const proto::StreamId& id) const {
  const auto here = services_.table().find(services_.board(), id);
  return here && here->owner.generation != 0;
}

void OrphanWatch::inspect(const proto::StreamId& id) {
  if (is_run_here(id)) {
    free_since_.erase(id);
    return;
  }
  const proto::StreamKeys keys{id};
  services_.commands.eval(inspect_script(),
                          {keys.owner(), keys.metadata(), proto::active_streams_key()},
                          {std::string{id.text()}},
                          [weak = std::weak_ptr{alive_}, id](const Result<redis::Reply>& reply) {
                            const auto self = weak.lock();
                            if (self && reply) (*self)->on_inspected(id, *reply);
                          });
}

void OrphanWatch::on_inspected(const proto::StreamId& id, const redis::Reply& reply) {
  const proto::WorkerId owner{std::string{ownership::text_at(reply, 1)}};
  const bool is_there = ownership::count_at(reply, 0).value_or(0) == 1;
  const bool has_died_here = is_dead_process_here(owner, services_.worker_id);
  if (!is_there || is_run_here(id) || (!owner.value.empty() && !has_died_here)) {
    free_since_.erase(id);
    return;
  }
  if (has_died_here) {
    presence_.bury(owner);
  } else {
    const auto now = services_.clock.now();
    const auto suspect = free_since_.find(id);
    if (suspect == free_since_.end()) {
      if (free_since_.size() < kMostSuspects) free_since_.emplace(id, now);
      look_in(kHeirsFirst);
      return;
    }
    if (now - suspect->second < kHeirsFirst) return;
  }
  free_since_.erase(id);
  log::info("orphan_found", "stream={} owner={:?}", id.text(), owner.value);
  streams_.mind(id);
}

}  // namespace ace::streams
