#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "proto/chunk.h"
#include "proto/redis/redis_scripts.h"
#include "shared/redis/chunk_connection.h"

namespace ace::test {

/// A stand-in for one stream's Redis behind a ChunkPipe: keeps what was asked until run(), then
/// behaves as the commit and position scripts do, in order.
class FakePipe final : public redis::ChunkPipe {
 public:
  // What Redis holds.
  std::uint64_t epoch{500};
  std::uint64_t index{};
  std::map<std::string, std::string> values;  ///< stages and chunks, by key

  // What goes wrong.
  bool is_connected{true};
  std::size_t max_value_bytes{SIZE_MAX};  ///< larger ones: OOM
  std::size_t capacity{SIZE_MAX};         ///< of all values: OOM beyond
  std::string error;                      ///< what the server says to everything
  int lose_commits_from{-1};              ///< the n-th commit from now on is not answered: cut

  // What was seen.
  int sets{};
  int commits{};
  int gets{};
  std::size_t most_asked{};
  std::vector<std::pair<std::uint64_t, std::uint64_t>> unlinks;

  void command(std::vector<std::string> args, redis::ReplyCallback callback) override {
    if (args.front() != "HGET" || args.back() != "epoch") {
      throw std::logic_error{"a command nobody expected"};
    }
    ask([=, this] {
      callback(checked([&]() -> Result<redis::Reply> {
        if (epoch == 0) return redis::Reply{};
        return redis::Reply{redis::Reply::Kind::String, {}, std::to_string(epoch), {}};
      }));
    });
  }
  void eval(const redis::Script& script, const std::vector<std::string>& keys,
            const std::vector<std::string>& args, redis::ReplyCallback callback) override {
    if (script.text() == proto::kCommitScript) {
      ask([=, this] { callback(checked([&] { return commit(keys, args); })); });
    } else if (script.text() == proto::kPositionScript) {
      ask([=, this] { callback(checked([&] { return position(args); })); });
    } else {
      throw std::logic_error{"a script nobody expected"};
    }
  }
  void set(std::string key, std::chrono::milliseconds /*ttl*/, std::shared_ptr<const void> owner,
           ByteSpan payload, redis::ReplyCallback callback) override {
    in_flight_ += payload.size();
    ask([=, this] {
      in_flight_ -= payload.size();
      ++sets;
      callback(checked([&]() -> Result<redis::Reply> {
        if (payload.size() > max_value_bytes || held() + payload.size() > capacity) {
          return fail(Errc::Refused, "OOM command not allowed");
        }
        values[key] = std::string{as_text(payload)};
        return redis::Reply{redis::Reply::Kind::Status, {}, "OK", {}};
      }));
      static_cast<void>(owner);
    });
  }
  void get(std::string key, Allocator allocate, GetCallback callback) override {
    ask([=, this] {
      ++gets;
      if (!is_connected) return callback(fail(Errc::Closed, "cut"));
      if (!error.empty()) return callback(fail(Errc::Refused, error));
      const auto found = values.find(key);
      if (found == values.end()) return callback(std::optional<std::size_t>{});
      const auto room = allocate(found->second.size());
      if (room.size() != found->second.size()) return callback(fail(Errc::TooLarge, "refused"));
      std::ranges::copy(as_bytes(found->second), room.begin());
      callback(std::optional{found->second.size()});
    });
  }
  [[nodiscard]] bool is_up() const override { return is_connected; }
  [[nodiscard]] std::size_t bytes_in_flight() const override { return in_flight_; }

  /// Answers what has been asked so far, and what is asked meanwhile.
  void run() {
    while (!asked_.empty()) run_one();
  }
  void run_one() {
    const auto next = std::move(asked_.front());
    asked_.pop_front();
    next();
  }
  [[nodiscard]] std::size_t pending() const { return asked_.size(); }
  [[nodiscard]] std::size_t held() const {
    std::size_t bytes = 0;
    for (const auto& [key, value] : values) bytes += value.size();
    return bytes;
  }
  static std::string chunk_key(std::uint64_t number) {
    return "ace_proxy:stream:" + std::string(40, 'a') + ":buffer:chunk:" + std::to_string(number);
  }

 private:
  void ask(std::function<void()> answer) {
    asked_.push_back(std::move(answer));
    most_asked = std::max(most_asked, asked_.size());
  }
  static redis::Reply numbers(const std::vector<std::int64_t>& values) {
    redis::Reply reply{redis::Reply::Kind::Array, {}, {}, {}};
    for (const auto value : values) {
      reply.elements.push_back({redis::Reply::Kind::Integer, value, {}, {}});
    }
    return reply;
  }
  template <class F>
  Result<redis::Reply> checked(F run) {
    if (!is_connected) return fail(Errc::Closed, "cut");
    if (!error.empty()) return fail(Errc::Refused, error);
    return run();
  }
  Result<redis::Reply> code(proto::CommitCode code) const {
    return numbers({static_cast<std::int64_t>(code), static_cast<std::int64_t>(index)});
  }

  Result<redis::Reply> commit(const std::vector<std::string>& keys,
                              const std::vector<std::string>& args);
  [[nodiscard]] Result<redis::Reply> position(const std::vector<std::string>& args) const;

  std::deque<std::function<void()>> asked_;
  std::size_t in_flight_{};
};

}  // namespace ace::test
