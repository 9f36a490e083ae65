#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shared/loop/fd_watcher.h"
#include "shared/loop/loop.h"
#include "shared/redis/hiredis_reply.h"
#include "shared/redis/link.h"

struct redisAsyncContext;

namespace ace::redis {

/// A Link on hiredis' asynchronous context, behind a libuv adapter of our own: the one of hiredis
/// 0.14 returns silently on poll errors, so that refused and reset connections hang for ever.
///
/// hiredis may not be called back into from its connect and disconnect callbacks. So its callbacks
/// only record; what they recorded is told to the listener when hiredis has returned, and then the
/// listener may do anything.
class HiredisLink final : public Link, public std::enable_shared_from_this<HiredisLink> {
 public:
  [[nodiscard]] static Result<std::shared_ptr<HiredisLink>> open(loop::Loop& loop,
                                                                 const Address& address,
                                                                 Listener& listener);
  ~HiredisLink() override;
  HiredisLink(const HiredisLink&) = delete;
  HiredisLink& operator=(const HiredisLink&) = delete;

  void send(const Args& args) override;
  void close() override { listener_ = nullptr; }

  /// Only after the login has been answered. The last channel must not be unsubscribed, nor one
  /// whose subscription is not confirmed: hiredis 0.14 aborts.
  void subscribe(const std::string& channel);
  void unsubscribe(const std::string& channel);

 private:
  struct Callbacks;
  struct Arrival {
    bool is_push{};
    Result<Reply> reply;
  };

  explicit HiredisLink(Listener& listener) : listener_{&listener} {}
  void attach(loop::Loop& loop, redisAsyncContext* context);
  void on_ready(loop::FdEvents events);
  void watch();
  void tell();
  void end(Error why);

  Listener* listener_;
  redisAsyncContext* context_{};  // hiredis frees it by itself when the connection ends
  std::unique_ptr<ReplyGuard> guard_;
  std::unique_ptr<loop::FdWatcher> watcher_;
  bool wants_read_{};
  bool wants_write_{};

  bool is_connected_now_{};
  std::vector<Arrival> arrived_;
  std::optional<Error> lost_;
};

}  // namespace ace::redis
