#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "proto/ids.h"
#include "shared/base/clock.h"
#include "shared/redis/client.h"

namespace ace::ownership {

/// What Redis knows of the names of one stream: a content id and an infohash may be one content,
/// and only an engine's answer tells. An error of Redis means that nothing is known.
class AliasBook {
 public:
  /// What an owner does not know by then it does without.
  static constexpr std::chrono::milliseconds kPatience{500};

  /// References must outlive the book.
  AliasBook(proto::StreamId id, proto::WorkerId self, redis::Commands& commands, const Clock& clock,
            std::chrono::milliseconds record_ttl);
  ~AliasBook();
  AliasBook(const AliasBook&) = delete;
  AliasBook& operator=(const AliasBook&) = delete;

  /// Asks whether another stream plays what this id names. The answer is there before that of any
  /// command that is sent after it.
  void look_up();
  /// The last answer, once: another stream's id.
  [[nodiscard]] std::optional<proto::StreamId> take_found();
  /// Somebody who knew the content's other name has come: look_up() asks no more, lest junk leads
  /// in circles.
  void settle() { is_settled_ = true; }

  using OtherCallback = std::function<void(const proto::StreamId& other)>;
  /// The owner's engine told the infohash. Called back only if an older stream plays it; this id
  /// leads there from then on. Otherwise the infohash leads here, for as long as the stream lasts.
  void announce(proto::OwnerEpoch epoch, const proto::StreamId& infohash, OtherCallback callback);
  /// Redis has not said yet whether an older stream plays the same.
  [[nodiscard]] bool is_asking() const { return asks_ > 0 && clock_.now() < asks_until_; }

 private:
  proto::StreamId id_;
  proto::WorkerId self_;
  redis::Commands& commands_;
  const Clock& clock_;
  std::chrono::milliseconds record_ttl_;
  std::optional<proto::StreamId> found_;
  bool is_settled_{};
  int asks_{};  ///< announcements without an answer
  SteadyTime asks_until_{};
  std::shared_ptr<AliasBook*> alive_;
};

}  // namespace ace::ownership
