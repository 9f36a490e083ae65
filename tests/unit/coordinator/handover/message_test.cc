#include "coordinator/handover/message.h"

#include <catch2/catch.hpp>

using ace::handover::decode;
using ace::handover::encode;
using ace::handover::Message;
using ace::handover::Step;
using ace::handover::Watching;
using namespace std::chrono_literals;

namespace {

const Message kOffer{.step = Step::Offer,
                     .from = {.slot = 3, .generation = 9},
                     .to = {.slot = 1, .generation = 2},
                     .transfer = 77,
                     .hops = 1,
                     .peer = "[::1]:5000",
                     .request = std::string("GET / HTTP/1.1\r\n\0x", 18)};

const Message kWatchingOffer{
    .step = Step::Offer,
    .from = {.slot = 3, .generation = 9},
    .to = {.slot = 1, .generation = 2},
    .transfer = 78,
    .peer = "[::1]:5000",
    .watching = Watching{.stream = *ace::proto::StreamId::parse(std::string(40, 'a')),
                         .cursor = {.epoch = {5}, .index = {77}},
                         .framing = ace::proto::http::BodyFraming::UntilClose,
                         .client = {"c1"},
                         .agent = "VLC",
                         .connected_at = ace::WallTime{1'700'000'000'123ms},
                         .bytes_sent = 1'000'000'000'000,
                         .skips = 3,
                         .has_missed = true,
                         .must_be_exact = true,
                         .hold = 12s,
                         .stall_cause = "redis_away",
                         .stalled_at = ace::WallTime{1'700'000'001'500ms},
                         .stall = 2'300ms},
    .trace = {.id = "id-1", .user = "tv", .line = "GET / HTTP/1.1", .referer = "http://a/"}};

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

TEST_CASE("a client in the middle of its stream comes out as it went in", "[handover]") {
  const auto read = decode(encode(kWatchingOffer));
  REQUIRE(read);
  CHECK(read->request.empty());
  REQUIRE(read->watching);
  const auto& in = *kWatchingOffer.watching;
  const auto& out = *read->watching;
  CHECK(read->trace == kWatchingOffer.trace);
  CHECK(out.stream == in.stream);
  CHECK(out.cursor == in.cursor);
  CHECK(out.framing == in.framing);
  CHECK(out.client == in.client);
  CHECK(out.agent == in.agent);
  CHECK(out.connected_at == in.connected_at);
  CHECK(out.bytes_sent == in.bytes_sent);
  CHECK(out.skips == in.skips);
  CHECK(out.has_missed);
  CHECK(out.must_be_exact);
  CHECK(out.hold == 12s);
  CHECK(out.stall_cause == "redis_away");
  CHECK(out.stalled_at == in.stalled_at);
  CHECK(out.stall == 2'300ms);
  CHECK_FALSE(read->is_estate);
}

TEST_CASE("of another version only the envelope is read", "[handover]") {
  auto other = kWatchingOffer;
  other.version = Message::kVersion + 1;
  for (const auto& bytes : {encode(other), encode(other) + "more", encode(other).substr(0, 40)}) {
    const auto read = decode(bytes);
    REQUIRE(read);
    CHECK_FALSE(read->is_ours());
    CHECK(read->version == Message::kVersion + 1);
    CHECK(read->step == Step::Offer);
    CHECK(read->from == other.from);
    CHECK(read->to == other.to);
    CHECK(read->transfer == 78);
    CHECK_FALSE(read->watching);
  }
  CHECK_FALSE(decode(encode(other).substr(0, 20)));
}

TEST_CASE("a hand-over message that is cut, longer, or somebody else's is refused", "[handover]") {
  for (const auto& offer : {kOffer, kWatchingOffer}) {
    const auto bytes = encode(offer);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CHECK_FALSE(decode(std::string_view{bytes}.substr(0, size)).has_value());
    }
    CHECK_FALSE(decode(bytes + "x").has_value());
    auto foreign = bytes;
    foreign[1] = '\x01';
    CHECK_FALSE(decode(foreign).has_value());
    auto unknown_step = bytes;
    unknown_step[4] = '\x09';
    CHECK_FALSE(decode(unknown_step).has_value());
  }
}

TEST_CASE("a client that no worker described is refused", "[handover]") {
  auto bytes = encode(kWatchingOffer);
  const auto stream = bytes.find(std::string(40, 'a'));
  SECTION("no stream's id") { bytes[stream] = 'x'; }
  SECTION("a framing nobody knows") { bytes[stream + 40 + 16] = '\x02'; }
  SECTION("a kind of client nobody knows") { bytes[stream - 5] = '\x03'; }
  SECTION("an estate that describes a client") { bytes[stream - 5] = '\x02'; }
  SECTION("no client's id") {
    auto nobody = kWatchingOffer;
    nobody.watching->client = {};
    bytes = encode(nobody);
  }
  CHECK_FALSE(decode(bytes).has_value());
}
