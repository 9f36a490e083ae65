#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proto/redis/redis_scripts.h"
#include "shared/redis/chunk_connection.h"

namespace ace::test {

/// Between a worker and its connection: lets so many commands through and keeps the others, to be
/// sent late or, when their worker dies, never. An appender sends two a chunk: stage, then commit.
class Tap final : public redis::ChunkPipe {
 public:
  explicit Tap(redis::ChunkPipe& pipe) : pipe_{pipe} {}

  /// From now on only so many more.
  void allow(std::size_t commands) { allowance_ = commands; }
  /// So many of those that were kept go out now.
  void release(std::size_t commands) {
    for (; commands > 0 && !kept_.empty(); --commands) {
      const auto send = std::move(kept_.front());
      kept_.pop_front();
      send();
    }
  }
  /// All that was kept goes out, and what comes goes through.
  void open() {
    release(kept_.size());
    allow(kUnlimited);
  }
  /// Before each commit, with the key of its stage.
  void before_commit(std::function<void(const std::string& stage)> act) { act_ = std::move(act); }
  /// The next commit runs, but its answer is lost.
  void lose_next_answer() { is_losing_ = true; }

  [[nodiscard]] std::size_t kept() const { return kept_.size(); }
  /// Redis has answered all that went through.
  [[nodiscard]] bool is_quiet() const { return *unanswered_ == 0; }

  void command(std::vector<std::string> args, redis::ReplyCallback callback) override {
    pass([this, args = std::move(args), told = counted(std::move(callback))] {
      ++*unanswered_;
      pipe_.command(args, told);
    });
  }
  void eval(const redis::Script& script, const std::vector<std::string>& keys,
            const std::vector<std::string>& args, redis::ReplyCallback callback) override {
    pass([this, script, keys, args, told = counted(std::move(callback))] {
      const bool is_commit = script.text() == proto::kCommitScript;
      if (is_commit && act_) act_(keys.at(3));
      ++*unanswered_;
      if (is_commit && std::exchange(is_losing_, false)) {
        pipe_.eval(script, keys, args, [told](const Result<redis::Reply>&) {
          told(fail(Errc::Closed, "the answer was lost"));
        });
      } else {
        pipe_.eval(script, keys, args, told);
      }
    });
  }
  void set(std::string key, std::chrono::milliseconds ttl, std::shared_ptr<const void> owner,
           ByteSpan payload, redis::ReplyCallback callback) override {
    pass([this, key, ttl, owner, payload, told = counted(std::move(callback))] {
      ++*unanswered_;
      pipe_.set(key, ttl, owner, payload, told);
    });
  }
  void get(std::string key, Allocator allocate, GetCallback callback) override {
    pipe_.get(std::move(key), std::move(allocate), std::move(callback));
  }
  [[nodiscard]] bool is_up() const override { return pipe_.is_up(); }
  [[nodiscard]] std::size_t bytes_in_flight() const override { return pipe_.bytes_in_flight(); }

 private:
  static constexpr auto kUnlimited = std::numeric_limits<std::size_t>::max();

  void pass(std::function<void()> send) {
    if (allowance_ == 0) {
      kept_.push_back(std::move(send));
      return;
    }
    if (allowance_ != kUnlimited) --allowance_;
    send();
  }
  [[nodiscard]] redis::ReplyCallback counted(redis::ReplyCallback callback) const {
    return [unanswered = unanswered_, told = std::move(callback)](Result<redis::Reply> reply) {
      --*unanswered;
      told(std::move(reply));
    };
  }

  redis::ChunkPipe& pipe_;
  std::size_t allowance_{kUnlimited};
  std::deque<std::function<void()>> kept_;
  std::function<void(const std::string& stage)> act_;
  bool is_losing_{};
  /// Shared: answers may come when the worker is gone.
  std::shared_ptr<std::size_t> unanswered_{std::make_shared<std::size_t>(0)};
};

}  // namespace ace::test
