#include "proto/redis/redis_keys.h"

#include <fmt/format.h>

namespace ace::proto {

StreamKeys::StreamKeys(const StreamId& id)
    : prefix_{fmt::format("{}{}:", stream_prefix(), id.text())},
      events_{fmt::format("ace_proxy:events:{}", id.text())} {}

std::string StreamKeys::chunk(ChunkIndex index) const {
  return fmt::format("{}buffer:chunk:{}", prefix_, index.value);
}

std::string StreamKeys::stage_prefix(OwnerEpoch epoch) const {
  return fmt::format("{}buffer:stage:{}:", prefix_, epoch.value);
}

std::string StreamKeys::stage(OwnerEpoch epoch, ChunkIndex index) const {
  return fmt::format("{}buffer:stage:{}:{}", prefix_, epoch.value, index.value);
}

std::string StreamKeys::client(const ClientId& client) const {
  return client_prefix() + client.value;
}

std::string active_streams_key() { return "ace_proxy:streams"; }

std::string film_key(const StreamId& film, const std::string& engine_id) {
  return std::string{"ace_proxy:film:"}.append(film.text()).append(":").append(engine_id);
}
std::string alias_key(const StreamId& name) { return alias_prefix().append(name.text()); }

std::string alias_prefix() { return "ace_proxy:alias:"; }

std::string stream_prefix() { return "ace_proxy:stream:"; }

std::string worker_key(const WorkerId& worker) { return worker_prefix() + worker.value; }

std::string worker_prefix() { return "ace_proxy:worker:"; }

std::string workers_key() { return "ace_proxy:workers"; }

std::string engine_streams_key(const std::string& engine_id) {
  return engine_prefix() + engine_id + ":streams";
}

std::string engine_prefix() { return "ace_proxy:engine:"; }

std::string engines_key() { return "ace_proxy:engines"; }

std::string engines_channel() { return "ace_proxy:engines:events"; }

std::string trial_prefix(const WorkerId& worker) {
  return fmt::format("ace_proxy:trial:{}:", worker.value);
}

std::string trial_channel() { return "ace_proxy:events:trial"; }

std::string incarnation_key() { return "ace_proxy:incarnation"; }

}  // namespace ace::proto
