#include "shared/redis/hiredis_link.h"

#include <fmt/format.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <string_view>
#include <utility>

#include "shared/base/check.h"
#include "shared/redis/socket.h"

namespace ace::redis {
namespace {

void command(redisAsyncContext* context, redisCallbackFn* callback, const Args& args) {
  std::vector<const char*> words;
  std::vector<std::size_t> sizes;
  words.reserve(args.size());
  sizes.reserve(args.size());
  for (const auto& arg : args) {
    words.push_back(arg.data());
    sizes.push_back(arg.size());
  }
  redisAsyncCommandArgv(context, callback, nullptr, static_cast<int>(args.size()), words.data(),
                        sizes.data());
}

std::string reason(const redisAsyncContext& context) {
  if (context.c.err == REDIS_ERR_OOM) return "Redis sent an answer without a command";
  return context.c.errstr[0] == '\0' ? "the connection ended" : context.c.errstr;
}

}  // namespace

/// What hiredis calls. `context->data` is the link, null once the link is gone.
struct HiredisLink::Callbacks {
  static HiredisLink* link(const redisAsyncContext* context) {
    return static_cast<HiredisLink*>(context->data);
  }
  static void on_connect(const redisAsyncContext* context, int status) noexcept {
    auto* const self = link(context);
    if (self == nullptr) return;
    if (status == REDIS_OK) {
      self->is_connected_now_ = true;
      return;
    }
    self->context_ = nullptr;  // freed by hiredis when this returns
    self->lost_ = Error{Errc::Unavailable, fmt::format("connect: {}", reason(*context))};
  }
  static void on_disconnect(const redisAsyncContext* context, int /*status*/) noexcept {
    auto* const self = link(context);
    if (self == nullptr) return;
    self->context_ = nullptr;  // likewise
    const auto code = context->c.err == REDIS_ERR_PROTOCOL || context->c.err == REDIS_ERR_OOM
                          ? Errc::Protocol
                          : Errc::Closed;
    self->lost_ = Error{code, reason(*context)};
  }
  static void on_reply(redisAsyncContext* context, void* reply, void* /*privdata*/) noexcept {
    record(context, reply, false);
  }
  static void on_push(redisAsyncContext* context, void* reply, void* /*privdata*/) noexcept {
    record(context, reply, true);
    confirm(context, reply);
  }
  static void confirm(redisAsyncContext* context, void* reply) {
    auto* const self = link(context);
    if (self == nullptr || reply == nullptr) return;
    // The guard has seen to its form.
    const auto& push = *static_cast<const redisReply*>(reply);
    if (push.type != REDIS_REPLY_ARRAY) return;
    const std::string_view word{push.element[0]->str, push.element[0]->len};
    if (word == "subscribe") {
      self->guard_->unconfirmed.erase(std::string{push.element[1]->str, push.element[1]->len});
    }
  }
  static void record(redisAsyncContext* context, void* reply, bool is_push) {
    auto* const self = link(context);
    // A null reply means that the connection is being taken down: told once, as lost.
    if (self == nullptr || reply == nullptr) return;
    self->arrived_.push_back(
        {.is_push = is_push, .reply = from_hiredis(*static_cast<const redisReply*>(reply))});
  }

  static void add_read(void* data) { want(data, &HiredisLink::wants_read_, true); }
  static void del_read(void* data) { want(data, &HiredisLink::wants_read_, false); }
  static void add_write(void* data) { want(data, &HiredisLink::wants_write_, true); }
  static void del_write(void* data) { want(data, &HiredisLink::wants_write_, false); }
  static void want(void* data, bool HiredisLink::*which, bool value) {
    auto* const self = static_cast<HiredisLink*>(data);
    self->*which = value;
    self->watch();
  }
  /// hiredis is about to close the descriptor: nobody may watch it then.
  static void cleanup(void* data) { static_cast<HiredisLink*>(data)->watcher_.reset(); }
};

Result<std::shared_ptr<HiredisLink>> HiredisLink::open(loop::Loop& loop, const Address& address,
                                                       Listener& listener) {
  redisAsyncContext* const context = address.path.empty()
                                         ? redisAsyncConnect(address.ip.c_str(), address.port)
                                         : redisAsyncConnectUnix(address.path.c_str());
  ACE_CHECK(context != nullptr, "there is memory for a connection");
  if (context->err != 0) {  // must not be attached to a loop any more
    auto error = fail(Errc::Unavailable, fmt::format("connect: {}", context->errstr));
    redisAsyncFree(context);
    return error;
  }
  prepare_socket(context->c.fd, address.path.empty());
  std::shared_ptr<HiredisLink> link{new HiredisLink{listener}};
  link->attach(loop, context);
  return link;
}

void HiredisLink::attach(loop::Loop& loop, redisAsyncContext* context) {
  context_ = context;
  context->data = this;
  guard_ = std::make_unique<ReplyGuard>(ReplyGuard{.context = *context, .unconfirmed = {}});
  guard_replies(*guard_);
  watcher_ = std::make_unique<loop::FdWatcher>(loop, context->c.fd,
                                               [weak = weak_from_this()](loop::FdEvents events) {
                                                 // Held while hiredis runs, so that the context is
                                                 // never freed under its own feet.
                                                 if (const auto self = weak.lock())
                                                   self->on_ready(events);
                                               });
  context->ev.data = this;
  context->ev.addRead = Callbacks::add_read;
  context->ev.delRead = Callbacks::del_read;
  context->ev.addWrite = Callbacks::add_write;
  context->ev.delWrite = Callbacks::del_write;
  context->ev.cleanup = Callbacks::cleanup;
  // The hooks come first: setting the connect callback asks to be told of writability.
  redisAsyncSetConnectCallback(context, Callbacks::on_connect);
  redisAsyncSetDisconnectCallback(context, Callbacks::on_disconnect);
}

HiredisLink::~HiredisLink() {
  watcher_.reset();
  if (context_ == nullptr) return;
  context_->data = nullptr;
  context_->ev = {};
  redisAsyncFree(context_);
}

void HiredisLink::send(const Args& args) {
  if (context_ != nullptr) command(context_, Callbacks::on_reply, args);
}

void HiredisLink::subscribe(const std::string& channel) {
  if (context_ == nullptr) return;
  guard_->unconfirmed.insert(channel);
  command(context_, Callbacks::on_push, {"SUBSCRIBE", channel});
}

void HiredisLink::unsubscribe(const std::string& channel) {
  if (context_ != nullptr) command(context_, nullptr, {"UNSUBSCRIBE", channel});
}

void HiredisLink::watch() {
  if (watcher_) watcher_->watch(wants_read_, wants_write_);
}

void HiredisLink::on_ready(loop::FdEvents events) {
  if (listener_ == nullptr) return;
  // Reading also brings a refused connect or a reset to light; the write then has nothing to say.
  if (events.readable || events.failed) redisAsyncHandleRead(context_);
  if (context_ != nullptr && events.writable && !events.failed) redisAsyncHandleWrite(context_);
  if (context_ != nullptr && events.failed) watch();  // libuv has stopped watching
  if (context_ != nullptr && context_->c.reader->len > kMaxReplyBytes) {
    end({Errc::Protocol, "an answer over the limit of 64 MiB"});
  }
  tell();
}

void HiredisLink::end(Error why) {
  watcher_.reset();
  context_->data = nullptr;
  context_->ev = {};
  redisAsyncFree(std::exchange(context_, nullptr));
  lost_ = std::move(why);
}

void HiredisLink::tell() {
  if (std::exchange(is_connected_now_, false) && listener_ != nullptr) {
    listener_->on_link_connected();
  }
  auto arrived = std::exchange(arrived_, {});
  for (auto& arrival : arrived) {
    if (listener_ == nullptr) return;
    if (!arrival.is_push) {
      listener_->on_link_reply(std::move(arrival.reply));
    } else if (arrival.reply) {
      listener_->on_link_push(std::move(*arrival.reply));
    }
  }
  if (lost_ && listener_ != nullptr) std::exchange(listener_, nullptr)->on_link_lost(*lost_);
}

}  // namespace ace::redis
