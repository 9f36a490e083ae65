#include "workers/engines/dns_watch.h"

#include <algorithm>
#include <utility>

#include "proto/engine/engine_list.h"
#include "shared/log/log.h"

namespace ace::engines {

DnsWatch::DnsWatch(loop::Loop& loop, loop::TimerFactory& timers, EngineDirectory& directory,
                   std::vector<EngineAddress> names, std::chrono::milliseconds every)
    : directory_{directory}, timer_{timers.make()} {
  for (auto& name : names) names_.push_back(std::make_unique<Name>(std::move(name), loop));
  if (names_.empty()) return;
  look_up();
  timer_->every(every, [this] { look_up(); });
}

void DnsWatch::look_up() {
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
  directory_.set(EngineSource::Dns, std::move(engines));
}

}  // namespace ace::engines
