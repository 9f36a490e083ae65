#include "workers/engines/dns_watch.h"

#include <algorithm>
#include <utility>

#include "proto/engine/engine_list.h"
#include "shared/log/log.h"

namespace ace::engines {
namespace {

std::int64_t unix_ms(const Clock& clock) {
  const auto since = clock.wall_now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

/// How often it is looked whether an engine behind a name has failed. At most so often it is looked
/// up.
constexpr std::chrono::milliseconds kTroubleEvery{500};
/// While one stays away.
constexpr std::chrono::milliseconds kDownEvery{2'000};

}  // namespace

DnsWatch::DnsWatch(Parts parts, std::vector<EngineAddress> names, std::chrono::milliseconds every)
    : parts_{parts}, timer_{parts.timers.make()}, trouble_{parts.timers.make()} {
  for (auto& name : names) names_.push_back(std::make_unique<Name>(std::move(name), parts.loop));
  if (names_.empty()) return;
  look_up();
  timer_->every(every, [this] { look_up(); });
  trouble_->every(kTroubleEvery, [this] { look_for_trouble(); });
}

void DnsWatch::stop() {
  timer_->stop();
  trouble_->stop();
}

void DnsWatch::look_for_trouble() {
  const auto now = parts_.clock.now();
  for (const auto& known : parts_.directory.known()) {
    if (!known.is_listed || known.source != EngineSource::Dns) continue;
    // Whichever worker has met it: the table is the host's.
    const auto state = parts_.table.state_of(known.address.id(), now);
    const bool is_absent = state.error_phase == "connect" || state.error_phase == "version";
    const bool is_news = state.error_at_ms >= looked_up_at_ms_;
    const bool is_down = state.health == host::EngineHealth::Unhealthy &&
                         unix_ms(parts_.clock) - looked_up_at_ms_ >= kDownEvery.count();
    if (is_down || (is_absent && is_news)) return look_up();
  }
}

void DnsWatch::look_up() {
  looked_up_at_ms_ = unix_ms(parts_.clock);
  for (const auto& name : names_) {
    redis::Endpoint wanted;
    wanted.host = name->engine.host;
    wanted.port = name->engine.port;
    // Safe with these: the resolver drops the callback when it is destroyed.
    name->resolver.lookup(wanted,
                          [this, raw = name.get()](const auto& found) { on_found(*raw, found); });
  }
}

void DnsWatch::on_found(Name& name, const Result<std::vector<redis::Address>>& found) {
  if (!found) {
    if (std::exchange(name.complaint, found.error().text) != found.error().text) {
      log::warn("engine_name_unknown", "name={} why={:?}", name.engine.host, found.error().text);
    }
    return;
  }
  name.complaint.clear();
  name.addresses.clear();
  for (const auto& address : *found) {
    // An address with a scope ("fe80::1%eth0") is no host of a url.
    if (address.ip.find('%') == std::string::npos) name.addresses.push_back(address.ip);
  }
  // Name servers turn the order round with each answer; ours is that of ties.
  std::ranges::sort(name.addresses);
  std::vector<EngineAddress> engines;
  for (const auto& each : names_) {
    for (const auto& ip : each->addresses) {
      if (engines.size() >= proto::engine::kMaxListed) break;
      engines.push_back(each->engine);
      engines.back().host = ip;
    }
  }
  parts_.directory.set(EngineSource::Dns, std::move(engines));
}

}  // namespace ace::engines
