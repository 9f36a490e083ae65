#include "coordinator/supervisor/worker_slot.h"

#include <catch2/catch.hpp>

using namespace ace::supervisor;

TEST_CASE("a slot goes from fork to ready to drained to empty", "[supervisor]") {
  WorkerSlot slot;
  CHECK(slot.apply(SlotEvent::Forked));
  CHECK(slot.apply(SlotEvent::SaidReady));
  CHECK(slot.state == SlotState::Ready);
  CHECK(slot.apply(SlotEvent::ToldToDrain));
  CHECK_FALSE(slot.is_active());
  CHECK(slot.apply(SlotEvent::Died));
  CHECK(slot.state == SlotState::Empty);
}

TEST_CASE("a worker that dies serving leaves its slot backing off", "[supervisor]") {
  CHECK(next(SlotState::Ready, SlotEvent::Died) == SlotState::BackingOff);
  CHECK(next(SlotState::Starting, SlotEvent::Died) == SlotState::BackingOff);
  CHECK(next(SlotState::BackingOff, SlotEvent::Forked) == SlotState::Starting);
  CHECK(next(SlotState::BackingOff, SlotEvent::GivenUp) == SlotState::Empty);
}

TEST_CASE("stale events change nothing", "[supervisor]") {
  WorkerSlot slot;
  CHECK_FALSE(slot.apply(SlotEvent::SaidReady));
  CHECK_FALSE(slot.apply(SlotEvent::Died));
  CHECK_FALSE(slot.apply(SlotEvent::ToldToDrain));
  CHECK(slot.state == SlotState::Empty);
  CHECK_FALSE(next(SlotState::Draining, SlotEvent::SaidReady));
  CHECK_FALSE(next(SlotState::BackingOff, SlotEvent::ToldToDrain));
}
