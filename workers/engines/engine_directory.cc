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

void EngineDirectory::merge() {
  auto before = std::exchange(known_, {});
  listed_.clear();
  std::set<std::string> ids;
  std::set<std::string> addresses;
  for (const auto& [source, engines] : sources_) {
    for (const auto& engine : engines) {
      if (ids.contains(engine.id()) || addresses.contains(engine.authority().text())) continue;
      ids.insert(engine.id());
      addresses.insert(engine.authority().text());
      listed_.push_back(engine);
      known_.push_back({.address = engine, .source = source, .is_listed = true});
    }
  }
  for (auto& engine : before) {
    if (known_.size() >= listed_.size() + kMostGone) return;
    if (ids.contains(engine.address.id())) continue;
    engine.is_listed = false;
    known_.push_back(std::move(engine));
  }
}

const EngineAddress* EngineDirectory::find(std::string_view id) const {
  const auto found =
      std::ranges::find_if(known_, [id](const auto& known) { return known.address.id() == id; });
  return found == known_.end() ? nullptr : &found->address;
}

}  // namespace ace::engines
