#pragma once

#include <cstdint>
#include <deque>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "shared/redis/client.h"

namespace ace::test {

inline redis::Reply integer(std::int64_t value) {
  return {.kind = redis::Reply::Kind::Integer, .integer = value, .text = {}, .elements = {}};
}
inline redis::Reply text(std::string value) {
  return {
      .kind = redis::Reply::Kind::String, .integer = {}, .text = std::move(value), .elements = {}};
}
inline redis::Reply array(std::vector<redis::Reply> elements) {
  return {.kind = redis::Reply::Kind::Array,
          .integer = {},
          .text = {},
          .elements = std::move(elements)};
}

/// Keeps what is asked until the test answers it.
class FakeCommands final : public redis::Commands {
 public:
  struct Call {
    std::string script;  ///< its text; empty for a plain command
    std::vector<std::string> keys;
    std::vector<std::string> args;
    redis::ReplyCallback callback;
  };

  void command(std::vector<std::string> args, redis::ReplyCallback callback) override {
    calls_.push_back({{}, {}, std::move(args), std::move(callback)});
  }
  void eval(const redis::Script& script, const std::vector<std::string>& keys,
            const std::vector<std::string>& args, redis::ReplyCallback callback) override {
    calls_.push_back({script.text(), keys, args, std::move(callback)});
  }
  [[nodiscard]] bool is_up() const override { return is_up_; }

  void set_up(bool is_up) { is_up_ = is_up; }
  [[nodiscard]] std::size_t pending() const { return calls_.size(); }
  /// Takes the oldest call, which must be of this script.
  Call take(const std::string& script) {
    if (calls_.empty()) throw std::logic_error{"nothing was asked"};
    Call call = std::move(calls_.front());
    calls_.pop_front();
    if (call.script != script) throw std::logic_error{"something else was asked"};
    return call;
  }
  Call answer(const std::string& script, Result<redis::Reply> reply) {
    Call call = take(script);
    call.callback(std::move(reply));
    return call;
  }

 private:
  std::deque<Call> calls_;
  bool is_up_{true};
};

}  // namespace ace::test
