#include "workers/streams/store/window_upload.h"

#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include "tests/unit/workers/streams/store/fake_pipe.h"

using namespace ace;
using namespace ace::streams;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  explicit Fixture(UploadLimits upload_limits = {}, ChunkWindow::Limits window_limits = {})
      : window{window_limits}, limits{upload_limits} {
    pipe.epoch = 0;  // Redis came back empty
  }
  void push(std::uint64_t first, std::uint64_t last) {
    for (auto i = first; i <= last; ++i) {
      window.push({.epoch = {500},
                   .index = {i},
                   .chunk = proto::Chunk::copy_of(as_bytes(payload(i))),
                   .arrived = {}});
    }
  }
  static std::string payload(std::uint64_t index) {
    return std::string(1880, static_cast<char>('a' + index % 26));
  }
  void begin(std::uint64_t newest) {
    upload.emplace(proto::StreamId::parse(std::string(40, 'a')).value(), pipe, window,
                   proto::ChunkCursor{{500}, {newest}}, limits,
                   [this](const Result<UploadOutcome>& result) {
                     ++answers;
                     is_failed = !result.has_value();
                     if (result) outcome = *result;
                     upload.reset();
                   });
  }
  [[nodiscard]] std::vector<std::uint64_t> stored() const {
    std::vector<std::uint64_t> indices;
    for (std::uint64_t i = 0; i <= 1000; ++i) {
      const auto found = pipe.values.find(test::FakePipe::chunk_key(i));
      if (found == pipe.values.end()) continue;
      CHECK(found->second == payload(i));
      indices.push_back(i);
    }
    return indices;
  }

  test::FakePipe pipe;
  ChunkWindow window;
  UploadLimits limits;
  std::optional<WindowUpload> upload;
  std::optional<UploadOutcome> outcome;
  int answers{};
  bool is_failed{};
};

}  // namespace

TEST_CASE("a Redis that forgot the stream gets back what it may have had", "[window_upload]") {
  Fixture f;
  f.push(101, 105);
  f.begin(103);
  f.pipe.run();
  CHECK(f.outcome == UploadOutcome::Uploaded);
  CHECK(f.stored() == std::vector<std::uint64_t>{101, 102, 103});
}

TEST_CASE("a Redis that knows the stream is left alone", "[window_upload]") {
  Fixture f;
  f.push(101, 105);
  SECTION("as it was") {
    f.pipe.epoch = 500;
    f.begin(103);
    f.pipe.run();
    CHECK(f.outcome == UploadOutcome::Unchanged);
  }
  SECTION("with another owner since") {
    f.pipe.epoch = 501;
    f.begin(103);
    f.pipe.run();
    CHECK(f.outcome == UploadOutcome::Taken);
  }
  CHECK(f.pipe.sets == 0);
  CHECK(f.answers == 1);
}

TEST_CASE("an upload keeps to its bytes in flight, and goes on with what the window has left",
          "[window_upload]") {
  Fixture f{{.bytes_in_flight = 3 * 1880}, {.span = 1h, .bytes = 10 * 1880}};
  f.push(101, 110);
  f.begin(110);
  f.pipe.run_one();
  CHECK(f.pipe.pending() == 3);
  f.push(111, 115);  // 101 to 105 leave: two of them before they were sent
  f.pipe.run();
  CHECK(f.pipe.most_asked == 3);
  CHECK(f.stored() == std::vector<std::uint64_t>{101, 102, 103, 106, 107, 108, 109, 110});
  CHECK(f.answers == 1);
}

TEST_CASE("an upload that loses its connection says so, once", "[window_upload]") {
  Fixture f;
  f.push(101, 105);
  SECTION("before the answer") { f.pipe.is_connected = false; }
  f.begin(105);
  f.pipe.run_one();
  SECTION("in the middle") {
    f.pipe.run_one();
    f.pipe.is_connected = false;
  }
  f.pipe.run();
  CHECK(f.is_failed);
  CHECK(f.answers == 1);
}

TEST_CASE("a chunk that Redis has no memory for does not keep the owner from its stream",
          "[window_upload]") {
  Fixture f;
  f.push(101, 105);
  f.pipe.max_value_bytes = 100;
  f.begin(105);
  f.pipe.run();
  CHECK(f.outcome == UploadOutcome::Uploaded);
  CHECK(f.stored().empty());
}

TEST_CASE("an upload that nobody waits for any more is silent", "[window_upload]") {
  Fixture f;
  f.push(101, 105);
  f.begin(105);
  f.pipe.run_one();
  f.upload.reset();
  f.pipe.run();
  CHECK(f.answers == 0);
}
