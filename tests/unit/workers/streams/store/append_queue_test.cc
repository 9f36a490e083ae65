#include "workers/streams/store/append_queue.h"

#include <string>

#include <catch2/catch.hpp>

using namespace ace;
using streams::AppendQueue;

namespace {

proto::ChunkPtr chunk_of(std::size_t size) {
  return proto::Chunk::copy_of(as_bytes(std::string(size, 'x')));
}

}  // namespace

TEST_CASE("over its bytes a queue gives up the oldest that wait, as one run", "[append_queue]") {
  AppendQueue queue{{10}, 300};
  queue.push(chunk_of(100));
  queue.mark_sent();
  for (int i = 0; i < 5; ++i) queue.push(chunk_of(100));
  CHECK(queue.bytes() == 300);
  CHECK(queue.bytes_in_flight() == 100);
  CHECK(queue.given_up() == 3);
  REQUIRE(queue.has_unsent());
  CHECK(queue.unsent().is_skip());
  CHECK(queue.unsent().first == proto::ChunkIndex{12});
  CHECK(queue.unsent().last == proto::ChunkIndex{14});
}

TEST_CASE("a chunk larger than the queue is given up by itself", "[append_queue]") {
  AppendQueue queue{{0}, 300};
  queue.push(chunk_of(400));
  CHECK(queue.bytes() == 0);
  CHECK(queue.unsent().is_skip());
  queue.push(chunk_of(100));
  CHECK(queue.bytes() == 100);
}

TEST_CASE("a commit takes what is done from the front and leaves the rest", "[append_queue]") {
  AppendQueue queue{{0}, 1000};
  for (int i = 0; i < 4; ++i) queue.push(chunk_of(100));
  queue.mark_sent();
  queue.mark_sent();
  queue.commit({1});
  CHECK(queue.committed() == proto::ChunkIndex{1});
  CHECK(queue.bytes() == 300);
  CHECK(queue.bytes_in_flight() == 100);
  CHECK(queue.unsent().first == proto::ChunkIndex{3});
  queue.unsend_all();
  CHECK(queue.unsent().first == proto::ChunkIndex{2});
  CHECK(queue.find({3}) != nullptr);
  CHECK(queue.find({1}) == nullptr);
}

TEST_CASE("what had no room becomes a skip once nothing is in flight", "[append_queue]") {
  AppendQueue queue{{0}, 1000};
  queue.push(chunk_of(100));
  queue.mark_sent();
  queue.find({1})->has_no_room = true;
  CHECK(queue.given_up() == 0);
  queue.unsend_all();
  CHECK(queue.given_up() == 1);
  CHECK(queue.unsent().is_skip());
  CHECK(queue.bytes() == 0);
}

TEST_CASE("what nobody has is one run, then chunks follow", "[append_queue]") {
  AppendQueue queue{{10}, 1000};
  queue.leave_out({5001});
  queue.push(chunk_of(100));
  CHECK(queue.given_up() == 4990);
  CHECK(queue.unsent().is_skip());
  CHECK(queue.unsent().first == proto::ChunkIndex{11});
  CHECK(queue.unsent().last == proto::ChunkIndex{5000});
  queue.mark_sent();
  CHECK(queue.unsent().first == proto::ChunkIndex{5001});
  CHECK(queue.bytes() == 100);
}

TEST_CASE("a hole in the middle joins the run that is given up before it", "[append_queue]") {
  AppendQueue queue{{10}, 300};
  for (int i = 0; i < 2; ++i) queue.push(chunk_of(100));
  queue.leave_out({20});
  CHECK(queue.next() == proto::ChunkIndex{20});
  for (int i = 0; i < 3; ++i) queue.push(chunk_of(100));
  CHECK(queue.bytes() == 300);
  CHECK(queue.given_up() == 9);
  CHECK(queue.unsent().is_skip());
  CHECK(queue.unsent().first == proto::ChunkIndex{11});
  queue.push(chunk_of(100));
  CHECK(queue.bytes() == 300);
  CHECK(queue.unsent().first == proto::ChunkIndex{11});
  CHECK(queue.unsent().last == proto::ChunkIndex{20});
}
