#include "coordinator/ownership/trial_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "coordinator/ownership/replies.h"

namespace ace::ownership {
namespace {

using host::RedisTrouble;

/// Of what fails in other ways than the first: more helps nobody.
constexpr std::size_t kMostSentences = 3;

bool says(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

bool is_about_connection(const Error& error) {
  return error.code == Errc::Closed || error.code == Errc::Timeout ||
         error.code == Errc::Unavailable;
}

/// Redis 7.0, 7.2 and 8 word it differently, and otherwise within a script.
bool is_forbidden(std::string_view why) {
  return says(why, "NOPERM") || says(why, "ACL failure") || says(why, "no permissions") ||
         says(why, "The user executing the script can't");
}

RedisTrouble trouble_of(std::string_view why) {
  if (says(why, "Error compiling script")) return RedisTrouble::TooOld;
  if (is_forbidden(why)) return RedisTrouble::NotPermitted;
  if (says(why, "nknown command") || says(why, "nknown Redis command")) {
    return RedisTrouble::NoCommand;
  }
  if (says(why, "READONLY")) return RedisTrouble::Replica;
  if (says(why, "CLUSTERDOWN") || says(why, "CROSSSLOT") || says(why, "MOVED ")) {
    return RedisTrouble::Cluster;
  }
  return RedisTrouble::Refusing;
}

RedisUnfitness too_old(std::string_view version) {
  return {RedisTrouble::TooOld,
          fmt::format("Redis {}is too old: {}.0 or newer is needed",
                      version.empty() ? "" : fmt::format("{} ", version), kOldestRedis)};
}

std::string may_not_run(std::string_view user, std::string_view commands) {
  return fmt::format("user \"{}\" may not run {}", user, commands);
}

/// What the user may not do, as ACL rules would name it.
std::string forbidden(std::string_view user, std::string_view command, std::string_view why) {
  if (command == "PUBLISH" || command == "SUBSCRIBE") {
    return fmt::format("user \"{}\" may not {} to ace_proxy:*", user, command);
  }
  if (says(why, " key")) return fmt::format("user \"{}\" may not use keys ace_proxy:*", user);
  return may_not_run(user, command);
}

RedisUnfitness unfitness(std::string_view user, std::string_view command, std::string_view why) {
  const auto trouble = trouble_of(why);
  switch (trouble) {
    case RedisTrouble::TooOld:
      return too_old({});
    case RedisTrouble::NotPermitted:
      return {trouble, forbidden(user, command, why)};
    case RedisTrouble::NoCommand:
      return {trouble, fmt::format("Redis has no command {}: renamed or removed", command)};
    case RedisTrouble::Replica:
      return {trouble, "Redis is a replica and takes no writes"};
    case RedisTrouble::Cluster:
      return {trouble, "Redis is in cluster mode: a single server is needed"};
    default:
      return {trouble, fmt::format("{} fails: {}", command, why)};
  }
}

std::string_view value_of(const redis::Reply& hello, std::string_view name) {
  for (std::size_t i = 0; i + 1 < hello.elements.size(); i += 2) {
    if (text_at(hello, i) == name) return text_at(hello, i + 1);
  }
  return {};
}

/// Of "7.0.15"; nothing for other texts.
std::optional<unsigned> major_of(std::string_view version) {
  unsigned major{};
  const auto* const end = version.data() + version.size();
  const auto [at, error] = std::from_chars(version.data(), end, major);
  if (error != std::errc{} || at == end || *at != '.') return std::nullopt;
  return major;
}

struct Failure {
  std::string command;
  RedisUnfitness why;
};

/// All of them in one sentence or two: what may not be run is one list.
RedisUnfitness all_of(std::string_view user, const std::vector<Failure>& failures) {
  std::string commands;
  std::vector<std::string> others;
  for (const auto& [command, why] : failures) {
    if (why.trouble == RedisTrouble::NotPermitted && why.message == may_not_run(user, command)) {
      commands += (commands.empty() ? "" : ", ") + command;
    } else if (others.size() < kMostSentences && std::ranges::count(others, why.message) == 0) {
      others.push_back(why.message);
    }
  }
  if (!commands.empty()) others.insert(others.begin(), may_not_run(user, commands));
  return {failures.front().why.trouble, fmt::format("{}", fmt::join(others, "; "))};
}

}  // namespace

std::optional<RedisUnfitness> judge_server(const Result<redis::Reply>& hello) {
  if (!hello) return std::nullopt;
  const auto version = value_of(*hello, "version");
  if (const auto major = major_of(version); major && *major < kOldestRedis) return too_old(version);
  const auto mode = value_of(*hello, "mode");
  if (mode == "cluster") {
    return RedisUnfitness{RedisTrouble::Cluster,
                          "Redis is in cluster mode: a single server is needed"};
  }
  if (mode == "sentinel") {
    return RedisUnfitness{RedisTrouble::Cluster,
                          "this is a Sentinel: the address of the Redis itself is needed"};
  }
  if (value_of(*hello, "role") == "replica") {
    return RedisUnfitness{RedisTrouble::Replica, "Redis is a replica and takes no writes"};
  }
  return std::nullopt;
}

std::optional<RedisUnfitness> judge_command(std::string_view user, std::string_view command,
                                            const Result<redis::Reply>& reply) {
  if (reply || is_about_connection(reply.error())) return std::nullopt;
  // It has no memory for chunks, but does all the rest.
  if (says(reply.error().text, "OOM")) return std::nullopt;
  return unfitness(user, command, reply.error().text);
}

std::optional<RedisUnfitness> judge_script(std::string_view user, std::string_view command,
                                           const Result<redis::Reply>& reply) {
  if (!reply) {
    // A script that the server does not know is sent once more, by the other command.
    const bool is_eval = says(reply.error().text, "'eval'") || says(reply.error().text, "'EVAL'");
    return judge_command(user, is_eval ? "EVAL" : command, reply);
  }
  std::vector<Failure> failures;
  for (std::size_t i = 0; i + 1 < reply->elements.size(); i += 2) {
    const std::string failed{text_at(*reply, i)};
    failures.push_back({failed, unfitness(user, failed, text_at(*reply, i + 1))});
  }
  if (failures.empty()) return std::nullopt;
  return all_of(user, failures);
}

RedisUnfitness deafness(std::string_view user, std::string_view why) {
  if (is_forbidden(why)) return unfitness(user, "SUBSCRIBE", why);
  return {RedisTrouble::Deaf, why.empty() ? "what is published is not heard"
                                          : fmt::format("what is published is not heard: {}", why)};
}

}  // namespace ace::ownership
