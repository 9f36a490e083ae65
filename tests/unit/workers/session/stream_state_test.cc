#include "workers/streams/session/stream_state.h"

#include <catch2/catch.hpp>

using ace::streams::next;
using ace::streams::StreamEvent;
using ace::streams::StreamState;

TEST_CASE("a stream's life goes from the claim to the end", "[stream_state]") {
  CHECK(next(StreamState::Claiming, StreamEvent::ClaimWon) == StreamState::Owning);
  CHECK(next(StreamState::Owning, StreamEvent::ViewersGone) == StreamState::Stopping);
  CHECK(next(StreamState::Stopping, StreamEvent::TornDown) == StreamState::Closed);
}

TEST_CASE("viewers who come during the teardown begin a new claim", "[stream_state]") {
  CHECK(next(StreamState::Stopping, StreamEvent::Revived) == StreamState::Claiming);
}

TEST_CASE("a follower never tears down, an owner never just walks away", "[stream_state]") {
  CHECK_FALSE(next(StreamState::Following, StreamEvent::ViewersGone).has_value());
  CHECK_FALSE(next(StreamState::Following, StreamEvent::TornDown).has_value());
  CHECK_FALSE(next(StreamState::Owning, StreamEvent::Abandoned).has_value());
}

TEST_CASE("nothing comes back from closed", "[stream_state]") {
  for (const auto event : {StreamEvent::ClaimWon, StreamEvent::ClaimLost,
                           StreamEvent::OwnerVanished, StreamEvent::ViewersGone,
                           StreamEvent::TornDown, StreamEvent::Abandoned, StreamEvent::Revived}) {
    CHECK_FALSE(next(StreamState::Closed, event).has_value());
  }
}
