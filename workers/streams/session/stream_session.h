#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/ownership/alias_book.h"
#include "workers/streams/session/broadcast.h"
#include "workers/streams/session/inheritance.h"
#include "workers/streams/session/session_listener.h"
#include "workers/streams/session/stream_orders.h"
#include "workers/streams/session/stream_state.h"
#include "workers/streams/session/succession.h"

namespace ace::streams {

/// One stream in this worker: who owns it, where its chunks come from, who watches.
class StreamSession final : public std::enable_shared_from_this<StreamSession>,
                            private EngineFeed::Listener,
                            private ChunkAppender::Listener,
                            private ChunkFollower::Listener,
                            private ownership::StreamLease::Listener,
                            private ownership::EventBus::Listener,
                            private Viewers::Listener,
                            private StreamOrders::Listener {
 public:
  StreamSession(StreamServices& services, proto::StreamId id, SessionListener& listener);
  ~StreamSession() override;
  void start();  ///< without viewers added before it minds a stream that lost its owner
  void add(NewViewer viewer);
  void shut_down();  ///< properly; an owner ends its stream, unless others watch
  void on_redis_up();
  void on_worker_died();
  void tick();  ///< twice a second
  /// To the heir of this worker, step by step: first the stream, then its viewers.
  void move_to(host::WorkerRef heir);
  [[nodiscard]] bool give_to(host::WorkerRef heir);  ///< it has accepted the estate
  void inherit(handover::Passenger estate);          ///< and it may be our own that comes back
  [[nodiscard]] StreamState state() const { return state_; }
  [[nodiscard]] const Viewers& viewers() const { return broadcast_.viewers(); }
  [[nodiscard]] bool is_gone() const;  ///< closed, and nobody is being served any more

 private:
  /// For a random access point further back than the burst.
  enum class LookingBack { No, Possible, UnderWay };

  void on_feed_choice(const std::string& engine_id) override;
  void on_feed_open(const engines::SessionInfo& info) override;
  void on_feed_chunk(proto::ChunkPtr chunk, SteadyTime arrived) override;
  void on_feed_stat(const proto::engine::StatAnswer& stat) override;
  void on_feed_silent(std::chrono::milliseconds since) override;
  void on_feed_failed(const std::vector<EngineFailure>& failures) override;
  void on_committed(proto::ChunkIndex index) override;
  void on_backlog(bool too_much) override;
  void on_append_refused(const Error& why) override;
  void on_chunk(proto::OwnerEpoch epoch, proto::ChunkIndex index, proto::ChunkPtr chunk) override;
  void on_missing(proto::ChunkIndex first, proto::ChunkIndex last) override;
  void on_lease_lost(const Error& why) override;
  void on_viewers_counted(std::size_t clients) override;
  void on_event(const proto::Event& event) override;
  void on_events_may_be_missing() override;
  void on_viewer_left() override;
  void on_join_refused() override;
  void on_end_order() override;
  void on_kick_order(const proto::ClientId& client) override;
  void on_yield_order() override;
  bool on_migrate_order(const std::optional<std::string>& engine_id) override;
  void apply(StreamEvent event);
  void enter(StreamState state);
  void leave(StreamState state);
  void claim();
  void claim_in_redis(std::vector<proto::WorkerId> known_dead);
  void claim_as_heir(std::vector<proto::WorkerId> known_dead, ownership::ClaimCallback callback);
  void keep_grant();
  void on_claimed(const ownership::ClaimResult& claimed, bool asked_for_dead);
  void claim_later(std::chrono::milliseconds delay);
  void own_without_redis();
  void look_for_owner();
  void on_owner_found(const ownership::ClaimResult& claimed);
  [[nodiscard]] bool may_own_without_redis() const;
  void regain_lease();
  void claim_again(UploadOutcome found);
  void on_lease_regained(const ownership::ClaimResult& claimed);
  void finish_foreign_teardown(std::function<void(StreamSession&)> then);
  void start_feed();
  void make_feed();
  void offer_estate(host::WorkerRef heir);
  void unpack_estate();
  void go_on_with_estate();
  void drop_estate();
  void feed_if_watched();
  void stop_engine();
  void take_over(Heritage heritage);
  void start_appending(proto::ChunkIndex committed);
  void drop_appender();
  void note_room(bool has_room);
  void tell_details(host::StreamPhase phase);
  void forget_session();
  [[nodiscard]] bool is_watched() const;
  void await_viewers();
  void stop_if_idle();
  void renew_ownership();
  void end_in_redis_and_claim(proto::ChunkIndex first);
  void tear_down(int tries = 0);
  void stop_owning(bool stops_engine);
  void finish_teardown();
  void torn_down();
  void start_following();
  void follow(const FollowLimits& limits, std::optional<proto::ChunkIndex> after);
  [[nodiscard]] clients::Opening opening_with(bool is_newest) const;
  void look_further_back();
  void hand_viewers_over();
  void fail(const StartFailure& failure);
  void end_without_viewers();
  void answer_overdue();
  [[nodiscard]] bool is_untouched();
  [[nodiscard]] bool is_second();
  void announce_infohash();
  void give_way(const proto::StreamId& other);
  bool is_given_to_film(const std::optional<engines::SessionInfo>& session = std::nullopt);
  template <class F>  /// does nothing once the session is gone or has changed its state
  [[nodiscard]] auto guarded(F callback) {
    return [weak = weak_from_this(), asked = generation_, callback](auto&&... answer) {
      const auto self = weak.lock();
      if (self && self->generation_ == asked)
        callback(*self, std::forward<decltype(answer)>(answer)...);
    };
  }

  StreamServices& services_;
  proto::StreamId id_;
  SessionListener& listener_;
  StreamState state_{StreamState::Claiming};
  std::uint64_t generation_{};  ///< one more with every change of state
  Broadcast broadcast_;
  Succession succession_;
  StreamOrders orders_;
  ownership::StreamLease lease_;
  ownership::AliasBook aliases_;
  Inheritance inheritance_{services_.timers};
  std::unique_ptr<EngineFeed> feed_;
  std::unique_ptr<ChunkAppender> appender_;
  std::unique_ptr<ChunkFollower> follower_;
  std::unique_ptr<WindowUpload> upload_;
  proto::StreamRecord record_;  ///< what is known of the engine session, while owning
  proto::OwnerEpoch epoch_;
  proto::ChunkIndex index_;        ///< the newest chunk this worker knows of
  proto::ChunkIndex committed_;    ///< the newest that Redis is known to have had
  proto::ChunkIndex tried_;        ///< the newest that it may have had: followers too, then
  proto::ChunkIndex first_index_;  ///< the oldest chunk that Redis may hold, for teardown
  std::unique_ptr<loop::Timer> retry_, grace_;
  SteadyTime followed_since_;
  std::uint64_t skipped_counted_{};
  LookingBack looking_back_{};  ///< of a follower that begins
  bool begins_here_{};          ///< nobody has been fed of it yet, and there is nothing before
  int failed_claims_{};         ///< in a row, while Redis is there
  bool follows_this_host_{};    ///< the owner is another worker of this host
  bool was_append_busy_{}, is_claiming_lease_{}, is_shutting_down_{};
  bool has_room_{true};   ///< Redis takes the chunks of this stream
  bool misses_chunks_{};  ///< as a follower: chunks were never stored, or are gone
  bool was_robbed_{};     ///< an engine session was ended for another player's sake, it seems
};

}  // namespace ace::streams
