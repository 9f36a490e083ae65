#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "coordinator/handover/passenger.h"
#include "workers/streams/session/new_viewer.h"
#include "workers/streams/session/slow_client.h"
#include "workers/streams/session/stream_services.h"

namespace ace::streams {

/// Who is to go to another worker.
enum class Release : std::uint8_t {
  Drained,  ///< who has got all there is here, or waits for the first byte
  All,      ///< with what is owed, to who can go on exactly there; who was refused, after a pause
};

/// The viewers of one stream in this worker: feeds them out of the buffer, keeps their records in
/// Redis and their number in the host's table. A viewer whose answer is coming to its end is no
/// viewer any more: it only gets the rest, from the same window.
class Viewers final : private clients::ClientSession::Listener {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    /// From the loop, after the viewer has been forgotten.
    virtual void on_viewer_left() = 0;
    /// Redis says that the stream is being torn down: the viewer must be recorded again later.
    virtual void on_join_refused() = 0;
  };

  Viewers(StreamServices& services, proto::StreamId id, StreamBuffer buffer, Listener& listener);
  ~Viewers() override;
  Viewers(const Viewers&) = delete;
  Viewers& operator=(const Viewers&) = delete;

  void add(NewViewer viewer);
  /// The window has grown. `may_begin`: those who have got nothing yet may begin with what is
  /// there.
  void on_media(bool may_begin);
  /// A follower's window will come as far as this. Until then nobody who is within that is taken
  /// for one of an older run of indices: what was stored under several epochs may all bear the
  /// last.
  void await(proto::ChunkIndex newest) { awaited_ = newest; }
  /// Who waits for a chunk that has not come begins with the newest: there is nobody else who could
  /// make the ones between.
  void begin_with_newest();
  /// Takes out at most so many for another worker, those first who are furthest behind.
  [[nodiscard]] std::vector<handover::Passenger> release(Release who, std::size_t at_most);
  /// Whether one from another worker would miss nothing here.
  [[nodiscard]] bool can_place(const proto::ChunkCursor& cursor) const;
  /// Of those from other workers that the window has not come to: where the first one goes on.
  [[nodiscard]] std::optional<proto::ChunkIndex> earliest_cursor() const;
  /// Nobody has got anything yet.
  [[nodiscard]] bool all_waiting() const;
  /// Takes them out, for another stream of this worker.
  [[nodiscard]] std::vector<NewViewer> release_waiting();
  /// Records again whom Redis refused because the stream was stopping.
  void record_missing();
  /// Everybody gets what the window holds, then a proper end.
  void finish();
  void refuse(const StartFailure& failure);
  /// One of them is let go as by refuse(). False: it is not here.
  bool kick(const proto::ClientId& id, const StartFailure& failure);
  /// The stream is silent: null packets for who has got all there is.
  void send_filler();
  /// Twice a second: adds up what was sent, tells who stands still and what for, and drops whose
  /// peer takes nothing. `of_stream`: what all of them last stood still for, in this worker.
  void tick(const std::optional<Stall>& of_stream);

  /// How fast each of them may be fed from now on.
  void limit(clients::ClientRate rate);
  /// Of those who have got nothing yet.
  [[nodiscard]] std::chrono::milliseconds longest_delay() const;
  [[nodiscard]] std::size_t count() const { return viewers_.size(); }
  [[nodiscard]] bool empty() const { return viewers_.empty(); }
  /// Of the one that is furthest behind the newest chunk, at the last tick.
  [[nodiscard]] std::chrono::milliseconds longest_lag() const { return longest_lag_; }
  /// Not even one is left that still gets its rest: the window may go.
  [[nodiscard]] bool is_gone() const { return viewers_.empty() && leaving_.empty(); }
  /// For the client's record. Nothing for a client that is not here.
  [[nodiscard]] std::optional<proto::ClientFigures> figures_of(const proto::ClientId& id) const;
  [[nodiscard]] std::vector<proto::ClientRecord> records() const;

 private:
  /// What its record says of its stall: beyond the regular figures.
  struct Told {
    std::optional<StallCause> cause;
    WallTime was_over_at{};  ///< 0: it lasts
    bool operator==(const Told&) const = default;
  };
  struct Viewer {
    NewViewer client;
    bool is_refused_by_redis{};
    bool is_join_counted{};
    SteadyTime may_go_at;  ///< to a worker that has refused it
    int status{200};       ///< of its answer
    std::uint64_t bytes_counted{};
    std::uint64_t skips_counted{};
    WallTime came_at;  ///< to this worker
    SlowClient slow;
    std::optional<Told> told;
  };

  void on_client_gone(clients::ClientSession& client, std::string_view why) override;
  void remove(const proto::ClientId& id, const std::string& why);
  void record(Viewer& viewer);
  [[nodiscard]] proto::ClientRecord record_of(const Viewer& viewer) const;
  /// False: the window has not come as far as the viewer.
  bool begin(Viewer& viewer);
  [[nodiscard]] std::optional<handover::Passenger> release(Viewer& viewer, Release who);
  [[nodiscard]] bool is_to_come(const proto::ChunkCursor& cursor) const;
  [[nodiscard]] std::optional<proto::ChunkCursor> cursor_of(
      const clients::ClientRemains& remains) const;
  static void see_off(Viewer& viewer, const StartFailure& failure);
  void dismiss(const std::function<void(Viewer&)>& last_words);
  void count_traffic(Viewer& viewer);
  void count_skips(Viewer& viewer, std::string_view cause);
  void watch_pace(Viewer& viewer);
  void tell_figures(Viewer& viewer);
  [[nodiscard]] std::optional<Stall> stall_of(const Viewer& viewer) const;
  void tell_table();

  StreamServices& services_;
  proto::StreamId id_;
  StreamBuffer buffer_;
  clients::ClientRate rate_;
  bool may_begin_{};  ///< what the last on_media() said
  Listener& listener_;
  std::unordered_map<proto::ClientId, Viewer> viewers_;
  std::unordered_map<proto::ClientId, Viewer> leaving_;
  std::chrono::milliseconds longest_lag_{};
  std::optional<Stall> stream_stall_;
  proto::ChunkIndex awaited_;
  std::vector<clients::ClientSession*> sessions_;  ///< of viewers_, for every chunk's way to them
  std::vector<proto::ClientId> early_;  ///< not in sessions_: further than the window, or gone
  /// Callbacks that outlive the object hold this weakly.
  std::shared_ptr<Viewers*> alive_;
};

}  // namespace ace::streams
