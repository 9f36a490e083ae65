#include "coordinator/host/order_board.h"

#include <catch2/catch.hpp>

#include "coordinator/host/host_memory.h"

using namespace ace::host;
using ace::proto::StreamId;

namespace {

StreamId stream(char digit) { return *StreamId::parse(std::string(40, digit)); }

struct Board {
  Board() : memory{std::move(*HostMemory::create())} {}
  OrderBoard& operator*() const { return memory->orders(); }
  OrderBoard* operator->() const { return &memory->orders(); }

  std::unique_ptr<HostMemory> memory;
};

}  // namespace

TEST_CASE("a stream reads its own orders once, in their order", "[order_board]") {
  const Board board;
  auto seen = board->newest();
  board->post(stream('a'), {.kind = OrderKind::Migrate, .argument = "e2"});
  board->post(stream('b'), {.kind = OrderKind::End, .argument = {}});
  board->post(stream('a'), {.kind = OrderKind::Kick, .argument = "c1"});
  const auto orders = board->take(stream('a'), seen);
  REQUIRE(orders.size() == 2);
  CHECK(orders[0].kind == OrderKind::Migrate);
  CHECK(orders[0].argument == "e2");
  CHECK(orders[1].kind == OrderKind::Kick);
  CHECK(orders[1].argument == "c1");
  CHECK(board->take(stream('a'), seen).empty());
}

TEST_CASE("an order is not for a stream that was made after it", "[order_board]") {
  const Board board;
  board->post(stream('a'), {.kind = OrderKind::End, .argument = {}});
  auto seen = board->newest();
  CHECK(board->take(stream('a'), seen).empty());
  board->post(stream('a'), {.kind = OrderKind::End, .argument = {}});
  CHECK(board->take(stream('a'), seen).size() == 1);
}

TEST_CASE("of more orders than there is room for the oldest are lost", "[order_board]") {
  const Board board;
  auto seen = board->newest();
  for (std::size_t i = 0; i < OrderBoard::kMaxOrders + 2; ++i) {
    board->post(stream('a'), {.kind = OrderKind::Kick, .argument = std::to_string(i)});
  }
  const auto orders = board->take(stream('a'), seen);
  REQUIRE(orders.size() == OrderBoard::kMaxOrders);
  CHECK(orders.front().argument == "2");
}
