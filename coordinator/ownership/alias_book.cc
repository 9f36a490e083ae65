#include "coordinator/ownership/alias_book.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "proto/redis/redis_keys.h"
#include "proto/redis/redis_scripts.h"

namespace ace::ownership {
namespace {

const redis::Script& alias_script() {
  static const redis::Script script{proto::kAliasScript};
  return script;
}

/// Another stream's id; nothing for an error, for junk, and for `id` itself.
std::optional<proto::StreamId> other_than(const proto::StreamId& id,
                                          const Result<redis::Reply>& reply) {
  if (!reply) return std::nullopt;
  const auto other = proto::StreamId::parse(reply->as_text().value_or(std::string_view{}));
  if (!other || *other == id) return std::nullopt;
  return *other;
}

}  // namespace

AliasBook::AliasBook(proto::StreamId id, proto::WorkerId self, redis::Commands& commands,
                     const Clock& clock, std::chrono::milliseconds record_ttl)
    : id_{id},
      self_{std::move(self)},
      commands_{commands},
      clock_{clock},
      record_ttl_{record_ttl},
      alive_{std::make_shared<AliasBook*>(this)} {}

AliasBook::~AliasBook() = default;

void AliasBook::look_up() {
  if (is_settled_) return;
  found_.reset();
  commands_.command({"GET", proto::alias_key(id_)},
                    [weak = std::weak_ptr{alive_}](const auto& reply) {
                      if (const auto self = weak.lock())
                        (*self)->found_ = other_than((*self)->id_, reply);
                    });
}

std::optional<proto::StreamId> AliasBook::take_found() {
  return std::exchange(found_, std::nullopt);
}

void AliasBook::announce(proto::OwnerEpoch epoch, const proto::StreamId& infohash,
                         OtherCallback callback) {
  ++asks_;
  asks_until_ = clock_.now() + kPatience;
  const proto::StreamKeys keys{id_};
  commands_.eval(alias_script(),
                 {keys.owner(), keys.metadata(), proto::alias_key(infohash), keys.aliases()},
                 {self_.value, fmt::to_string(epoch.value), fmt::to_string(record_ttl_.count()),
                  std::string{id_.text()}, std::string{infohash.text()}, proto::alias_prefix(),
                  proto::stream_prefix()},
                 [weak = std::weak_ptr{alive_}, callback = std::move(callback)](const auto& reply) {
                   const auto self = weak.lock();
                   if (!self) return;
                   --(*self)->asks_;
                   if (const auto other = other_than((*self)->id_, reply)) callback(*other);
                 });
}

}  // namespace ace::ownership
