#include "shared/redis/chunk_connection.h"

#include <utility>

#include "shared/redis/chunk_link.h"
#include "shared/redis/session.h"

namespace ace::redis {

struct ChunkConnection::Impl final : Session::Owner {
  explicit Impl(Client::Listener& heard) : listener{heard} {}
  void on_session_up() override { listener.on_redis_up(); }
  void on_session_down(const Error& why) override { listener.on_redis_down(why); }
  void on_session_push(Reply /*message*/) override {}  // this connection subscribes to nothing

  Client::Listener& listener;
  std::shared_ptr<Session> session;
  std::weak_ptr<ChunkLink> link;
  /// Shared with the answers, which may come after the connection is gone.
  std::shared_ptr<std::size_t> in_flight{std::make_shared<std::size_t>(0)};
};

ChunkConnection::ChunkConnection(loop::Loop& loop, loop::TimerFactory& timers, Endpoint endpoint,
                                 Deadlines deadlines, Client::Listener& listener)
    : impl_{std::make_shared<Impl>(listener)} {
  const auto open = [&loop, weak = std::weak_ptr{impl_}](
                        const Address& address,
                        Link::Listener& heard) -> Result<std::shared_ptr<Link>> {
    auto link = ChunkLink::open(loop, address, heard);
    const auto self = weak.lock();
    if (self && link) self->link = *link;
    return link;
  };
  impl_->session =
      std::make_shared<Session>(Session::Options{.loop = loop,
                                                 .timers = timers,
                                                 .endpoint = std::move(endpoint),
                                                 .deadlines = deadlines,
                                                 .idle = Session::Idle::Ping,
                                                 .patience = Session::Patience::WhileBytesFlow,
                                                 .role = "chunks"},
                                open, *impl_);
  impl_->session->start();
}

ChunkConnection::~ChunkConnection() { impl_->session->close(); }

void ChunkConnection::command(std::vector<std::string> args, ReplyCallback callback) {
  impl_->session->command(std::move(args), std::move(callback));
}

void ChunkConnection::eval(const Script& script, const std::vector<std::string>& keys,
                           const std::vector<std::string>& args, ReplyCallback callback) {
  impl_->session->eval(script, keys, args, std::move(callback));
}

void ChunkConnection::set(std::string key, std::chrono::milliseconds ttl,
                          std::shared_ptr<const void> owner, ByteSpan payload,
                          ReplyCallback callback) {
  const auto link = impl_->link.lock();
  if (!is_up() || !link) return impl_->session->refuse(std::move(callback));
  link->set(key, ttl, std::move(owner), payload);
  *impl_->in_flight += payload.size();
  impl_->session->expect([in_flight = impl_->in_flight, size = payload.size(),
                          told = std::move(callback)](Result<Reply> reply) {
    *in_flight -= size;
    told(std::move(reply));
  });
}

void ChunkConnection::get(std::string key, Allocator allocate, GetCallback callback) {
  ReplyCallback answer = [told = std::move(callback)](Result<Reply> reply) {
    if (!reply) return told(fail(std::move(reply).error()));
    if (reply->is_nil()) return told(std::optional<std::size_t>{});
    told(std::optional{static_cast<std::size_t>(reply->integer)});
  };
  const auto link = impl_->link.lock();
  if (!is_up() || !link) return impl_->session->refuse(std::move(answer));
  link->get(key, std::move(allocate));
  impl_->session->expect(std::move(answer));
}

bool ChunkConnection::is_up() const { return impl_->session->is_up(); }

void ChunkConnection::give_up(Error why) { impl_->session->give_up(std::move(why)); }

std::size_t ChunkConnection::bytes_in_flight() const { return *impl_->in_flight; }

}  // namespace ace::redis
