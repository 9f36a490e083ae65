#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "shared/loop/timer.h"
#include "tests/support/clock/manual_clock.h"
#include "workers/clients/client_session.h"

namespace ace::test {

using clients::ClientSession;
using proto::Chunk;
using proto::ChunkPtr;
using proto::RandomAccessPoint;
using proto::http::BodyFraming;
using streams::ChunkWindow;
using streams::WindowPosition;
using namespace std::chrono_literals;

inline std::string body_of(std::uint64_t index, std::size_t packets) {
  return std::string(packets * 188, static_cast<char>('a' + index % 26));
}

inline std::string framed(const std::string& body) {
  const auto chunk = Chunk::copy_of(as_bytes(body));
  return std::string{as_text(chunk->framed())};
}

/// Gives what a test puts in, when the test says so.
struct FakeArchive final : streams::Archive {
  ChunkPtr read(WindowPosition at, Reader& reader) override {
    asked.push_back(at.value);
    const auto found = at_hand.find(at.value);
    if (found != at_hand.end()) return found->second;
    waiting = &reader;
    return nullptr;
  }
  void forget(Reader& reader) override {
    if (waiting == &reader) waiting = nullptr;
  }
  void answer(ChunkPtr chunk) { std::exchange(waiting, nullptr)->on_read_back(std::move(chunk)); }

  std::map<std::uint64_t, ChunkPtr> at_hand;
  std::vector<std::uint64_t> asked;
  Reader* waiting{};
};

/// A viewer on one end of a socket, and the test on the other.
struct ViewerFixture : ClientSession::Listener {
  explicit ViewerFixture(BodyFraming framing = BodyFraming::Chunked,
                         ChunkWindow::Limits limits = {})
      : ViewerFixture{framing, limits, limits} {}
  ViewerFixture(BodyFraming framing, ChunkWindow::Limits memory, ChunkWindow::Limits whole)
      : window{memory, whole} {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0);
    peer = UniqueFd{ends[1]};
    clients::ClientInfo info;
    info.id = {"c1"};
    session = std::make_unique<ClientSession>(loop, clock, UniqueFd{ends[0]}, info,
                                              "HTTP/1.1 200 OK\r\n\r\n", framing);
    session->set_listener(this);
  }
  void on_client_gone(ClientSession&, std::string_view why) override { gone = why; }

  void push(std::uint64_t index, std::size_t packets = 10) {
    window.on_stored({{1}, {index - 1}});
    window.push({.epoch = {1},
                 .index = {index},
                 .chunk = Chunk::copy_of(as_bytes(body_of(index, packets))),
                 .arrived = clock.now(),
                 .media_time = {},
                 .random_access = entry});
    session->on_media(opening);
  }
  /// What has arrived at the peer, without waiting for more.
  std::string read_some(std::size_t at_most = 1U << 20U) {
    std::string got(at_most, '\0');
    const ssize_t size = ::recv(peer.get(), got.data(), got.size(), MSG_DONTWAIT);
    got.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return got;
  }
  /// Everything up to `size` bytes, running the session's loop in between.
  std::string read_all(std::size_t size) {
    std::string all;
    bool is_late = false;
    loop::UvTimerFactory timers{loop};
    auto deadline = timers.make();
    deadline->once(40s, [&] { is_late = true; });
    while (all.size() < size && !is_late) {
      all += read_some();
      loop.run_once(false);
    }
    REQUIRE_FALSE(is_late);
    return all;
  }
  void run_until_gone() {
    bool is_late = false;
    loop::UvTimerFactory timers{loop};
    auto deadline = timers.make();
    deadline->once(40s, [&] { is_late = true; });
    while (gone.empty() && !is_late) loop.run_once(true);
    REQUIRE_FALSE(is_late);
  }

  loop::Loop loop;
  ManualClock clock;
  ChunkWindow window;
  FakeArchive archive;
  streams::StreamBuffer buffer{.window = window, .archive = archive};
  std::shared_ptr<RandomAccessPoint> entry;  ///< of what is pushed
  clients::Opening opening{clients::Opening::Anything};
  UniqueFd peer;
  std::unique_ptr<ClientSession> session;
  std::string gone;
};

}  // namespace ace::test
