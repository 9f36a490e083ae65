#include "coordinator/handover/message.h"

#include <catch2/catch.hpp>

using ace::handover::decode;
using ace::handover::encode;
using ace::handover::Message;
using ace::handover::Step;

namespace {

const Message kOffer{.step = Step::Offer,
                     .from = {.slot = 3, .generation = 9},
                     .to = {.slot = 1, .generation = 2},
                     .transfer = 77,
                     .hops = 1,
                     .peer = "[::1]:5000",
                     .request = std::string("GET / HTTP/1.1\r\n\0x", 18)};

}  // namespace

TEST_CASE("a hand-over message comes out as it went in", "[handover]") {
  const auto read = decode(encode(kOffer));
  REQUIRE(read);
  CHECK(read->step == Step::Offer);
  CHECK(read->from == kOffer.from);
  CHECK(read->to == kOffer.to);
  CHECK(read->transfer == 77);
  CHECK(read->hops == 1);
  CHECK(read->peer == kOffer.peer);
  CHECK(read->request == kOffer.request);
}

TEST_CASE("a hand-over message that is cut, longer, or of another version is refused",
          "[handover]") {
  const auto bytes = encode(kOffer);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(decode(std::string_view{bytes}.substr(0, size)).has_value());
  }
  CHECK_FALSE(decode(bytes + "x").has_value());
  auto other_version = bytes;
  other_version[0] = '\x02';
  CHECK_FALSE(decode(other_version).has_value());
  auto unknown_step = bytes;
  unknown_step[4] = '\x09';
  CHECK_FALSE(decode(unknown_step).has_value());
}
