#pragma once

#include <string>

#include "proto/ids.h"

namespace ace::proto {

/// The names of one stream's keys; nothing else spells `ace_proxy:`. They are the seeds' names, so
/// that what people wrote for debugging (`redis-cli HGETALL …:metadata`) goes on working.
class StreamKeys {
 public:
  explicit StreamKeys(const StreamId& id);

  [[nodiscard]] std::string metadata() const { return prefix_ + "metadata"; }
  [[nodiscard]] std::string owner() const { return prefix_ + "owner"; }
  [[nodiscard]] std::string buffer_index() const { return prefix_ + "buffer:index"; }
  [[nodiscard]] std::string clients() const { return prefix_ + "clients"; }
  [[nodiscard]] std::string last_client_disconnect_time() const {
    return prefix_ + "last_client_disconnect_time";
  }
  /// The names besides its id that lead to the stream.
  [[nodiscard]] std::string aliases() const { return prefix_ + "aliases"; }
  /// The channel of the stream's events.
  [[nodiscard]] std::string events() const { return events_; }

  /// What a chunk's index is appended to.
  [[nodiscard]] std::string chunk_prefix() const { return prefix_ + "buffer:chunk:"; }
  [[nodiscard]] std::string chunk(ChunkIndex index) const;
  /// Where an owner puts a chunk before it commits it: the epoch in the name keeps a fenced
  /// owner's bytes out of its successor's chunks.
  [[nodiscard]] std::string stage_prefix(OwnerEpoch epoch) const;
  [[nodiscard]] std::string stage(OwnerEpoch epoch, ChunkIndex index) const;
  /// What a client's id is appended to.
  [[nodiscard]] std::string client_prefix() const { return prefix_ + "clients:"; }
  [[nodiscard]] std::string client(const ClientId& client) const;

 private:
  std::string prefix_;
  std::string events_;
};

/// Set of the ids of all streams that have an owner or had one lately.
[[nodiscard]] std::string active_streams_key();

/// Under which id that is played which `name` names as well.
[[nodiscard]] std::string alias_key(const StreamId& name);
/// What a name is appended to.
[[nodiscard]] std::string alias_prefix();
/// What a stream's id, a colon and the rest of a key are appended to.
[[nodiscard]] std::string stream_prefix();

/// A living worker's sign of life.
[[nodiscard]] std::string worker_key(const WorkerId& worker);
/// What a worker's id is appended to.
[[nodiscard]] std::string worker_prefix();

/// Ids of the workers that live, by the time of their last sign of life.
[[nodiscard]] std::string workers_key();

/// The streams that an engine runs, each until its owner's lease ends.
[[nodiscard]] std::string engine_streams_key(const std::string& engine_id);
/// What an engine's id is appended to.
[[nodiscard]] std::string engine_prefix();

/// Which session plays a film on an engine: each plays a content to one player.
[[nodiscard]] std::string film_key(const StreamId& film, const std::string& engine_id);

/// The engines that were added at run time, and the channel that says that they changed.
[[nodiscard]] std::string engines_key();
[[nodiscard]] std::string engines_channel();

/// What a worker tries out whether Redis does all that is needed: keys of its own, and a channel
/// that nobody listens to.
[[nodiscard]] std::string trial_prefix(const WorkerId& worker);
[[nodiscard]] std::string trial_channel();

/// Tells one life of Redis' memory from the next.
[[nodiscard]] std::string incarnation_key();

}  // namespace ace::proto
