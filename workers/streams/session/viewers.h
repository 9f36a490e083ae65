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

/// Which viewers release() takes out for another worker.
enum class Release : std::uint8_t {
  Drained,  ///< viewers that have got everything in this window, or wait for the first byte
  All,      ///< every viewer, with what it is owed; one that was refused only after a pause
};

/// The viewers of one stream in this worker: feeds them from the buffer, writes their records to
/// Redis and their number to the host's table. A viewer whose answer is ending does not count any
/// more: it only gets the rest of its media, from the same window.
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
  /// The window has grown. `opening`: for viewers that have got nothing yet.
  void on_media(clients::Opening opening);
  /// A follower's window will reach `newest`. Until then a cursor up to `newest` counts as one of
  /// this run of indices, whatever its epoch: chunks that were stored under several epochs may all
  /// be read under the last one.
  void await(proto::ChunkIndex newest) { awaited_ = newest; }
  /// Viewers that wait for a chunk beyond the window begin with the newest one: this worker is the
  /// owner, so no other worker can produce the chunks between.
  void begin_with_newest();
  /// Takes out at most `at_most` viewers for another worker, those furthest behind first.
  [[nodiscard]] std::vector<handover::Passenger> release(Release who, std::size_t at_most);
  /// Whether a viewer from another worker could continue here at `cursor` without a gap.
  [[nodiscard]] bool can_place(const proto::ChunkCursor& cursor) const;
  /// The earliest cursor among handed-over viewers that the window has not reached yet.
  [[nodiscard]] std::optional<proto::ChunkIndex> earliest_cursor() const;
  /// No viewer has got a byte yet.
  [[nodiscard]] bool all_waiting() const;
  /// Takes out the viewers that have got nothing yet, for another stream of this worker.
  [[nodiscard]] std::vector<NewViewer> release_waiting();
  /// Records again the viewers that Redis refused because the stream was stopping.
  void record_missing();
  /// Every viewer gets what the window holds, then a proper end of its answer.
  void finish();
  void refuse(const StartFailure& failure);
  /// Ends the answer to one viewer as refuse() does. False: it is not here.
  bool kick(const proto::ClientId& id, const StartFailure& failure);
  /// Ends, as refuse() does, the answers to viewers that came before `since` and have got nothing
  /// yet. False: there are none.
  bool refuse_overdue(SteadyTime since, const StartFailure& failure);
  /// The stream is silent: sends null packets to viewers that have got everything.
  void send_filler();
  /// Twice a second: adds up what was sent, reports stalled viewers with the cause, and closes
  /// those whose peer takes nothing. `of_stream`: the last stall of the whole stream in this
  /// worker.
  void tick(const std::optional<Stall>& of_stream);

  /// Limits the rate of each viewer from now on.
  void limit(clients::ClientRate rate);
  /// The longest `delay` among viewers that have got nothing yet.
  [[nodiscard]] std::chrono::milliseconds longest_delay() const;
  [[nodiscard]] std::size_t count() const { return viewers_.size(); }
  [[nodiscard]] bool empty() const { return viewers_.empty(); }
  /// How far the slowest viewer was behind the newest chunk at the last tick.
  [[nodiscard]] std::chrono::milliseconds longest_lag() const { return longest_lag_; }
  /// No viewer is left, not even one whose answer is ending: the window may be destroyed.
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
    WallTime came_at;       ///< to this worker
    SteadyTime here_since;  ///< likewise
    SlowClient slow;
    std::optional<Told> told;
  };

  void on_client_gone(clients::ClientSession& client, std::string_view why) override;
  void remove(const proto::ClientId& id, const std::string& why);
  void record(Viewer& viewer);
  [[nodiscard]] proto::ClientRecord record_of(const Viewer& viewer) const;
  /// False: the window has not come as far as the viewer.
  bool begin(Viewer& viewer);
  void begin_overdue();
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
  clients::Opening opening_{};  ///< for who comes now
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
