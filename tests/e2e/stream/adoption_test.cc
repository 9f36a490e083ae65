#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>

#include <catch2/catch.hpp>

#include "shared/base/clock.h"
#include "tests/e2e/stream/service.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kBitrate = 2'000'000;

/// An engine that has no turn for a second shall not look like one whose session is dead, nor a
/// test that has none like viewers who have left for good.
const ProxyProcess::Environment kPatient{{"PROXY_ENGINE_ADOPT_TIMEOUT", "5s"},
                                         {"PROXY_GRACE_PERIOD", "30s"}};

/// The packet that is due now: later ones are news. What was on its way when an owner was killed is
/// none, so ask after that.
std::uint64_t seq_now(const std::string& id) {
  return NumberedStream{infohash_of_content(id), kBitrate}.seq_at(ace::SystemClock{}.now());
}

/// What Redis holds of a stream, looked at again and again.
class CommittedChunks {
 public:
  CommittedChunks(const Service& service, std::string id) : service_{service}, id_{std::move(id)} {}

  /// Reads what is new, and compares what is not.
  void look() {
    const auto newest =
        std::stoull("0" + service_.redis({"GET", stream_key(id_, "buffer:index")}).text);
    for (std::uint64_t index = 1; index <= newest; ++index) {
      auto bytes =
          service_.redis({"GET", stream_key(id_, "buffer:chunk:" + std::to_string(index))});
      if (bytes.text.empty()) continue;  // skipped, or expired
      const auto [known, is_new] = chunks_.try_emplace(index, bytes.text);
      if (!is_new && known->second != bytes.text) ++changed_;
    }
  }
  [[nodiscard]] std::size_t changed() const { return changed_; }
  [[nodiscard]] std::size_t count() const { return chunks_.size(); }
  /// All of them in order, as one stream.
  [[nodiscard]] NumberedChecker checked() const {
    NumberedChecker checker;
    for (const auto& [index, bytes] : chunks_) checker.feed(ace::as_bytes(bytes), {});
    return checker;
  }

 private:
  const Service& service_;
  std::string id_;
  std::map<std::uint64_t, std::string> chunks_;
  std::size_t changed_{};
};

std::vector<std::size_t> streaming(const Viewers& viewers, const std::string& not_on) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    const auto& viewer = viewers.at(i);
    if (viewer.state() == ViewerState::Streaming && viewer.worker() != not_on) indices.push_back(i);
  }
  return indices;
}

/// All of them have got packets that were made after `seq`.
bool have_news(const Viewers& viewers, const std::vector<std::size_t>& which, std::uint64_t seq) {
  return std::ranges::all_of(
      which, [&](std::size_t i) { return viewers.at(i).checker().last_seq().value_or(0) > seq; });
}

bool is_one_served_owner(const Service& service, const std::string& not_this) {
  const auto rows = service.workers();
  const auto owns = [](const WorkerRow& row) { return row.owned_streams > 0; };
  return std::ranges::count_if(rows, owns) == 1 && std::ranges::find_if(rows, owns)->id != not_this;
}

bool are_all_serving(const Service& service) {
  const auto rows = service.workers();
  return rows.size() == 4 &&
         std::ranges::all_of(rows, [](const WorkerRow& row) { return row.phase == "serving"; });
}

std::uint64_t epoch_of(const Service& service, const std::string& id) {
  return std::stoull("0" + service.redis({"HGET", stream_key(id, "metadata"), "epoch"}).text);
}

/// Nothing that was committed is missing to anybody: the seams are those of the record.
void check_seams(const Service& service, const std::string& id, const Viewers& viewers,
                 const std::vector<std::size_t>& survivors) {
  CommittedChunks committed{service, id};
  committed.look();
  const auto record = committed.checked();
  INFO(viewers.faults());
  CHECK(record.is_clean());
  for (const auto i : survivors) {
    const auto& checker = viewers.at(i).checker();
    CHECK(checker.counts().missing <= record.counts().missing);
  }
}

void kill_three_owners() {
  const Service service{{.bitrate = kBitrate, .environment = kPatient}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  std::vector<std::size_t> survivors;
  for (unsigned round = 1; round <= 3; ++round) {
    CAPTURE(round);
    REQUIRE(viewers.run_until([&] { return are_all_serving(service); }, 20s));
    auto watching = streaming(viewers, "").size();
    const auto come_to = [&](std::size_t count) {
      for (; watching < count; ++watching) viewers.open(1, stream_target(id));
      REQUIRE(viewers.run_until([&] { return streaming(viewers, "").size() == watching; }, 20s));
    };
    come_to(40);
    viewers.run_for(1s);
    const auto owner = service.owner();
    // A worker that had no turn for a third of a second was given nobody.
    while (streaming(viewers, owner.id).size() < 20) come_to(watching + 5);
    survivors = streaming(viewers, owner.id);
    std::vector<StreamCounts> before;
    for (const auto i : survivors) before.push_back(viewers.at(i).checker().counts());

    ::kill(owner.pid, SIGKILL);
    const ace::SystemClock clock;
    const auto start = clock.now();
    const auto killed_at = seq_now(id);
    REQUIRE(viewers.run_until([&] { return have_news(viewers, survivors, killed_at); }, 10s));
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock.now() - start);
    std::cout << "round " << round << ": new bytes after " << took.count() << " ms\n";
    CHECK(took < 3s);
    for (std::size_t n = 0; n < survivors.size(); ++n) {
      const auto& viewer = viewers.at(survivors[n]);
      CHECK(viewer.state() == ViewerState::Streaming);
      CHECK(viewer.checker().is_clean());
      CHECK(viewer.checker().counts().marked_skips <= before[n].marked_skips + 1);
    }
    REQUIRE(viewers.run_until([&] { return is_one_served_owner(service, owner.id); }, 20s));
    const auto stream = service.engines().state().stream(id);
    CHECK(stream.opened == 1);
    CHECK(stream.alive == 1);
  }
  check_seams(service, id, viewers, survivors);
}

}  // namespace

TEST_CASE("a dead owner's engine session goes on, and survivors see one seam", "[adoption]") {
  // A new proxy each time: worker after worker that dies is replaced ever later.
  const int times = std::getenv("ACE_LONG") != nullptr ? 7 : 1;
  for (int i = 0; i < times; ++i) kill_three_owners();
}

TEST_CASE("an owner that was frozen steals nothing back, and keeps its viewers", "[adoption]") {
  Service service{{.bitrate = kBitrate, .environment = kPatient}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(20, stream_target(id));
  REQUIRE(all_served(viewers, 10s));
  viewers.run_for(1s);
  const auto owner = service.owner();
  const auto others = streaming(viewers, owner.id);
  const auto epoch = epoch_of(service, id);
  CommittedChunks committed{service, id};
  const auto look_until = [&](const std::function<bool()>& done, std::chrono::milliseconds most) {
    return viewers.run_until(
        [&] {
          committed.look();
          return done();
        },
        most);
  };

  const ace::SystemClock clock;
  const auto frozen_at = clock.now();
  // It would replace a worker that stands still for 10 s: this test may take longer.
  service.proxy().signal(SIGSTOP);
  ::kill(owner.pid, SIGSTOP);
  const auto seq_frozen = seq_now(id);
  CHECK(look_until([&] { return have_news(viewers, others, seq_frozen + 300); }, 20s));
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock.now() - frozen_at);
  std::cout << "frozen: new bytes after " << took.count() << " ms\n";
  CHECK(look_until([&] { return clock.now() - frozen_at > 8s; }, 10s));
  ::kill(owner.pid, SIGCONT);
  service.proxy().signal(SIGCONT);
  const auto seq_woken = seq_now(id);
  std::vector<std::size_t> all(viewers.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  CHECK(look_until([&] { return have_news(viewers, all, seq_woken + 2000); }, 15s));
  CHECK(look_until([&] { return is_one_served_owner(service, owner.id); }, 10s));

  CHECK(committed.changed() == 0);
  CHECK(committed.count() > 20);
  CHECK(committed.checked().is_clean());
  CHECK(epoch_of(service, id) > epoch);
  CHECK(streaming(viewers, "").size() == viewers.size());
  INFO(viewers.faults());
  CHECK(viewers.faults().empty());
  const auto engines = service.engines().state();
  CHECK(engines.stream(id).opened == 1);
  CHECK(engines.engine(0, "stops_received") == 0);
}

TEST_CASE("a proxy that was killed as a whole goes on with the session and the buffer",
          "[adoption]") {
  Service service{{.bitrate = kBitrate, .environment = kPatient}};
  const auto id = stream_id(1);
  std::uint64_t epoch = 0;
  {
    Viewers viewers{service.port()};
    viewers.open(4, stream_target(id));
    REQUIRE(all_served(viewers, 10s));
    viewers.run_for(3s);
    epoch = epoch_of(service, id);
  }
  service.restart_proxy();
  const auto seq_killed = seq_now(id);  // nothing in the buffer is as new
  Viewers viewers{service.port()};
  viewers.open(1, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  const auto& viewer = viewers.at(0);
  std::cout
      << "first bytes after "
      << std::chrono::duration_cast<std::chrono::milliseconds>(*viewer.first_byte_after()).count()
      << " ms\n";
  CHECK(viewer.checker().first_seq().value_or(seq_killed) < seq_killed);
  REQUIRE(viewers.run_until([&] { return have_news(viewers, {0}, seq_killed); }, 10s));
  INFO(viewers.faults());
  CHECK(viewer.checker().is_clean());
  CHECK(viewer.checker().counts().marked_skips == 1);
  CHECK(epoch_of(service, id) > epoch);
  const auto stream = service.engines().state().stream(id);
  CHECK(stream.opened == 1);
  CHECK(stream.alive == 1);
}

TEST_CASE("without Redis the next owner goes on with the session as well", "[adoption]") {
  const Service service{{.bitrate = kBitrate, .redis = RedisIs::Away, .environment = kPatient}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(3, stream_target(id));
  REQUIRE(all_served(viewers, 10s));
  viewers.run_for(500ms);
  const auto owner = service.owner();
  ::kill(owner.pid, SIGKILL);
  // Not before the others know: who is placed at the dead worker waits for another one.
  const auto is_replaced = [&] {
    return std::ranges::all_of(service.workers(),
                               [&](const WorkerRow& row) { return row.pid != owner.pid; });
  };
  REQUIRE(viewers.run_until([&] { return viewers.count(ViewerState::Streaming) == 0; }, 20s));
  REQUIRE(viewers.run_until(is_replaced, 20s));
  const auto first = viewers.open(3, stream_target(id));
  const auto are_back = [&] {
    return std::ranges::all_of(std::vector{first, first + 1, first + 2},
                               [&](std::size_t i) { return viewers.at(i).bytes() > 0; });
  };
  REQUIRE(viewers.run_until(are_back, 20s));
  const auto stream = service.engines().state().stream(id);
  CHECK(stream.opened == 1);
  CHECK(stream.alive == 1);
}

TEST_CASE("a session that begins in the past is joined without a repeat or a gap", "[adoption]") {
  const Service service{{.bitrate = kBitrate, .environment = kPatient}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(20, stream_target(id));
  REQUIRE(all_served(viewers, 10s));
  viewers.run_for(2s);
  service.engines().fault("burst", "4");  // seconds that its sessions begin back
  service.engines().fault("cut");
  const auto cut_at = seq_now(id);
  std::vector<std::size_t> all(viewers.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  REQUIRE(viewers.run_until([&] { return have_news(viewers, all, cut_at + 1000); }, 15s));
  INFO(viewers.faults());
  for (const auto i : all) {
    CHECK(viewers.at(i).checker().is_clean());
    CHECK(viewers.at(i).checker().counts().missing == 0);
    CHECK(viewers.at(i).checker().counts().markers == 0);
  }
  CHECK(service.engines().state().stream(id).opened == 1);  // played once more
}
