#include "workers/engines/engine_directory.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace ace::engines {

std::string_view to_string(EngineSource source) {
  switch (source) {
    case EngineSource::Settings:
      return "settings";
    case EngineSource::Api:
      return "api";
    case EngineSource::Dns:
      return "dns";
    case EngineSource::Orchestrator:
      return "orchestrator";
  }
  return "unknown";
}

EngineDirectory::EngineDirectory(std::vector<EngineAddress> engines) {
  set(EngineSource::Settings, std::move(engines));
}

void EngineDirectory::set(EngineSource source, std::vector<EngineAddress> engines) {
  sources_[source] = std::move(engines);
  merge();
}

void EngineDirectory::set_identities(EngineIdentities identities) {
  if (identities == identities_) return;
  identities_ = std::move(identities);
  merge();
}

const EngineAddress* EngineDirectory::twin_of(const std::string& id) const {
  const auto mine = identities_.find(id);
  if (mine == identities_.end()) return nullptr;
  const auto found = std::ranges::find_if(listed_, [&](const EngineAddress& other) {
    const auto its = identities_.find(other.id());
    return its != identities_.end() && is_same_engine(mine->second, its->second);
  });
  return found == listed_.end() ? nullptr : &*found;
}

void EngineDirectory::merge() {
  auto before = std::exchange(known_, {});
  listed_.clear();
  std::set<std::string> ids;
  std::set<std::string> addresses;
  for (const auto& [source, engines] : sources_) {
    for (const auto& engine : engines) {
      const auto address = proto::engine::Authority{usual_host(engine.host), engine.port}.text();
      if (ids.contains(engine.id()) || addresses.contains(address)) continue;
      ids.insert(engine.id());
      addresses.insert(address);
      const auto* twin = twin_of(engine.id());
      known_.push_back({.address = engine,
                        .source = source,
                        .is_listed = twin == nullptr,
                        .same_as = twin == nullptr ? "" : twin->id()});
      if (twin == nullptr) listed_.push_back(engine);
    }
  }
  const auto most = known_.size() + kMostGone;
  for (auto& engine : before) {
    if (known_.size() >= most) return;
    if (ids.contains(engine.address.id())) continue;
    engine.is_listed = false;
    engine.same_as.clear();
    known_.push_back(std::move(engine));
  }
}

const EngineAddress* EngineDirectory::find(std::string_view id) const {
  const auto found =
      std::ranges::find_if(known_, [id](const auto& known) { return known.address.id() == id; });
  return found == known_.end() ? nullptr : &found->address;
}

}  // namespace ace::engines
