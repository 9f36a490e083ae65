#include "shared/redis/client.h"

#include <utility>

#include "shared/redis/hiredis_link.h"
#include "shared/redis/session.h"

namespace ace::redis {

struct Client::Impl final : Session::Owner {
  explicit Impl(Listener& heard) : listener{heard} {}
  void on_session_up() override { listener.on_redis_up(); }
  void on_session_down(const Error& why) override { listener.on_redis_down(why); }
  void on_session_push(Reply /*message*/) override {}  // this connection subscribes to nothing

  Listener& listener;
  std::shared_ptr<Session> session;
};

Client::Client(loop::Loop& loop, loop::TimerFactory& timers, Endpoint endpoint, Deadlines deadlines,
               Listener& listener)
    : impl_{std::make_shared<Impl>(listener)} {
  const auto open = [&loop](const Address& address, Link::Listener& heard) {
    return HiredisLink::open(loop, address, heard);
  };
  impl_->session = std::make_shared<Session>(Session::Options{.loop = loop,
                                                              .timers = timers,
                                                              .endpoint = std::move(endpoint),
                                                              .deadlines = deadlines,
                                                              .idle = Session::Idle::Ping,
                                                              .patience = Session::Patience::Strict,
                                                              .role = "commands"},
                                             open, *impl_);
  impl_->session->start();
}

Client::~Client() { impl_->session->close(); }

void Client::command(std::vector<std::string> args, ReplyCallback callback) {
  impl_->session->command(std::move(args), std::move(callback));
}

void Client::eval(const Script& script, const std::vector<std::string>& keys,
                  const std::vector<std::string>& args, ReplyCallback callback) {
  impl_->session->eval(script, keys, args, std::move(callback));
}

bool Client::is_up() const { return impl_->session->is_up(); }

void Client::give_up(Error why) { impl_->session->give_up(std::move(why)); }

}  // namespace ace::redis
