#include "coordinator/host/transfer_board.h"

#include <memory>
#include <set>

#include <catch2/catch.hpp>

using namespace ace::host;

namespace {

struct Boards {
  Boards() { scoreboard->slots[1].phase = WorkerPhase::Serving; }
  [[nodiscard]] std::uint64_t begin() { return transfers->begin(*scoreboard, 0, receiver).value(); }
  [[nodiscard]] TransferState state(std::uint64_t transfer) const {
    return transfers->state_of(0, transfer);
  }
  std::unique_ptr<Scoreboard> scoreboard{std::make_unique<Scoreboard>()};
  std::unique_ptr<TransferBoard> transfers{std::make_unique<TransferBoard>()};
  WorkerRef receiver{scoreboard->open_slot(1)};
};

}  // namespace

TEST_CASE("a hand-over is accepted or taken back, never both", "[host]") {
  Boards boards;
  const auto transfer = boards.begin();
  CHECK(boards.state(transfer) == TransferState::Offered);
  SECTION("accepted first") {
    CHECK(boards.transfers->accept(0, transfer));
    CHECK_FALSE(boards.transfers->take_back(0, transfer));
    CHECK(boards.transfers->commit(0, transfer));
    CHECK(boards.transfers->commit(0, transfer));  // told, and found out by itself
    CHECK_FALSE(boards.transfers->take_back_accepted(0, transfer));
  }
  SECTION("taken back first") {
    CHECK(boards.transfers->take_back(0, transfer));
    CHECK_FALSE(boards.transfers->accept(0, transfer));
    CHECK_FALSE(boards.transfers->commit(0, transfer));
  }
  SECTION("refused") {
    CHECK(boards.transfers->refuse(0, transfer));
    CHECK_FALSE(boards.transfers->take_back(0, transfer));
  }
  SECTION("accepted, and taken back after all") {
    CHECK(boards.transfers->accept(0, transfer));
    CHECK(boards.transfers->take_back_accepted(0, transfer));
    CHECK_FALSE(boards.transfers->commit(0, transfer));
  }
}

TEST_CASE("entries are used again, numbers are not", "[host]") {
  Boards boards;
  std::set<std::uint64_t> numbers;
  for (std::size_t i = 0; i < TransferBoard::kWindow; ++i) numbers.insert(boards.begin());
  CHECK(numbers.size() == TransferBoard::kWindow);
  CHECK_FALSE(boards.transfers->begin(*boards.scoreboard, 0, boards.receiver));
  const auto over = *numbers.begin();
  REQUIRE(boards.transfers->accept(0, over));
  REQUIRE(boards.transfers->commit(0, over));
  boards.transfers->finish(0, over);
  const auto next = boards.begin();
  CHECK_FALSE(numbers.contains(next));
  CHECK(boards.state(over) == TransferState::Free);
  CHECK_FALSE(boards.transfers->accept(0, over));
}

TEST_CASE("what a dead receiver left is used again", "[host]") {
  Boards boards;
  while (boards.transfers->begin(*boards.scoreboard, 0, boards.receiver)) {
  }
  boards.scoreboard->close_slot(1);
  const auto next = boards.scoreboard->open_slot(1);
  CHECK(boards.transfers->begin(*boards.scoreboard, 0, next));
}

TEST_CASE("a number that no hand-over has is refused", "[host]") {
  Boards boards;
  const auto transfer = boards.begin();
  CHECK_FALSE(boards.transfers->accept(0, TransferBoard::kNumbers + transfer));
  CHECK_FALSE(boards.transfers->accept(0, transfer + TransferBoard::kWindow));
  CHECK(boards.state(transfer) == TransferState::Offered);
}
