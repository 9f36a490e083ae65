#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "proto/redis/redis_keys.h"
#include "proto/redis/redis_scripts.h"
#include "tests/support/redis/redis_server.h"

namespace ace::test {

struct ChunkRange {
  std::uint64_t first{};
  std::uint64_t last{};
};

/// Runs the contract's scripts on a server of their own, as two workers would.
struct ScriptBench {
  using Strings = std::vector<std::string>;

  explicit ScriptBench(RedisServer::Options options = {}) : server{std::move(options)} {}

  Result<redis::Reply> eval(const std::string& script, const Strings& script_keys,
                            const Strings& args) const {
    Strings command{"EVAL", script, std::to_string(script_keys.size())};
    command.insert(command.end(), script_keys.begin(), script_keys.end());
    command.insert(command.end(), args.begin(), args.end());
    return server.command(command);
  }
  /// Throws when Redis answers with an error.
  redis::Reply must(const Strings& command) const {
    auto reply = server.command(command);
    if (!reply) throw std::runtime_error{reply.error().text};
    return *reply;
  }
  std::string text(const Strings& command) const {
    const auto reply = must(command);
    return std::string{reply.as_text().value_or("")};
  }
  std::int64_t number(const Strings& command) const {
    return must(command).as_integer().value_or(-1000);
  }
  std::string field(const std::string& name) const { return text({"HGET", keys.metadata(), name}); }

  struct Claim {
    bool is_granted{};
    std::string epoch;
    std::int64_t index{};
    std::string owner;
    bool is_stopping{};
  };
  Claim claim(const std::string& self, const std::string& held = "0",
              const std::string& known_index = "0", const Strings& dead = {}) const {
    Strings args{self, held, known_index, "30000", "60000", keys.events(), id};
    args.insert(args.end(), dead.begin(), dead.end());
    const auto reply = eval(proto::kClaimScript,
                            {keys.owner(), keys.metadata(), keys.buffer_index(), keys.clients(),
                             proto::active_streams_key()},
                            args);
    if (!reply) throw std::runtime_error{reply.error().text};
    const auto& parts = reply->elements;
    return {parts.at(0).as_integer() == 1, std::to_string(parts.at(1).as_integer().value()),
            parts.at(2).as_integer().value(), std::string{parts.at(3).as_text().value()},
            parts.at(4).as_integer() == 1};
  }
  Result<redis::Reply> renew(const std::string& self, const std::string& epoch) const {
    return eval(proto::kRenewScript,
                {keys.owner(), keys.metadata(), keys.buffer_index(), keys.clients(),
                 keys.last_client_disconnect_time(), proto::active_streams_key(), keys.aliases()},
                {self, epoch, "30000", "60000", id, keys.events(), keys.client_prefix(),
                 proto::worker_prefix(), proto::engine_prefix(), proto::alias_prefix()});
  }
  /// A worker's sign of life: `token` tells processes with one id apart.
  Result<redis::Reply> live(const std::string& worker, const std::string& token,
                            const std::string& rival = "") const {
    return eval(proto::kPresenceScript, {proto::worker_key({worker}), proto::workers_key()},
                {token, "30000", rival, worker, "clients", "7"});
  }
  Result<redis::Reply> update(const std::string& self, const std::string& epoch,
                              const Strings& fields) const {
    Strings args{self, epoch, "60000"};
    args.insert(args.end(), fields.begin(), fields.end());
    return eval(proto::kUpdateScript, {keys.owner(), keys.metadata()}, args);
  }
  void stage(const std::string& epoch, std::uint64_t index, const std::string& bytes) const {
    must({"SET", stage_key(epoch, index), bytes, "PX", "5000"});
  }
  std::string stage_key(const std::string& epoch, std::uint64_t index) const {
    return keys.stage({std::stoull(epoch)}, {index});
  }

  struct Committed {
    proto::CommitCode code{};
    std::int64_t index{};
    bool operator==(const Committed&) const = default;
  };
  Committed commit(const std::string& self, const std::string& epoch, ChunkRange range,
                   bool is_skip, ChunkRange unlink = {}) const {
    const auto reply = eval(proto::kCommitScript,
                            {keys.owner(), keys.metadata(), keys.buffer_index(),
                             stage_key(epoch, range.last), keys.chunk({range.last})},
                            {self, epoch, std::to_string(range.first), std::to_string(range.last),
                             is_skip ? "1" : "0", "60000", "60000", std::to_string(unlink.first),
                             std::to_string(unlink.last), keys.events(), keys.chunk_prefix()});
    if (!reply) throw std::runtime_error{reply.error().text};
    return {static_cast<proto::CommitCode>(reply->elements.at(0).as_integer().value()),
            reply->elements.at(1).as_integer().value()};
  }
  Committed append(const std::string& self, const std::string& epoch, std::uint64_t index) const {
    stage(epoch, index, "chunk " + std::to_string(index));
    return commit(self, epoch, {index, index}, false);
  }

  RedisServer server;
  std::string id = std::string(40, 'a');
  proto::StreamKeys keys{proto::StreamId::parse(id).value()};
};

}  // namespace ace::test
