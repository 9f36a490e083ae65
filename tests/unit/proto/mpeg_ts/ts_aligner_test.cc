#include "proto/mpeg_ts/ts_aligner.h"

#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using ace::as_bytes;
using ace::as_text;
using ace::ByteSpan;
using ace::proto::kTsPacketSize;
using ace::proto::TsAligner;

namespace {

/// Packet number `n`, with no sync byte inside.
std::string packet(int n) {
  std::string text(kTsPacketSize, static_cast<char>('a' + n % 26));
  text[0] = '\x47';
  text[1] = static_cast<char>('0' + n % 10);
  return text;
}

std::string packets(int from, int to) {
  std::string text;
  for (int n = from; n < to; ++n) text += packet(n);
  return text;
}

/// Packets behind four bytes of a time stamp each, as m2ts files have them.
std::string stamped(int from, int to) {
  std::string text;
  for (int n = from; n < to; ++n) text += "time" + packet(n);
  return text;
}

/// Packets with sixteen bytes of error correction behind each.
std::string corrected(int from, int to) {
  std::string text;
  for (int n = from; n < to; ++n) text += packet(n) + "sixteen of parit";
  return text;
}

struct Collected {
  TsAligner aligner;
  std::string out;

  void feed(std::string_view bytes) {
    aligner.feed(as_bytes(bytes), [this](ByteSpan run) {
      REQUIRE_FALSE(run.empty());
      REQUIRE(run.size() % kTsPacketSize == 0);
      out += as_text(run);
    });
  }
};

}  // namespace

TEST_CASE("aligned packets pass through without being copied", "[ts]") {
  const auto text = packets(0, 10);
  TsAligner aligner;
  int calls = 0;
  aligner.feed(as_bytes(text), [&](ByteSpan run) {
    ++calls;
    CHECK(run.data() == as_bytes(text).data());
    CHECK(run.size() == text.size());
  });
  CHECK(calls == 1);
  CHECK(aligner.held() == 0);
  CHECK(aligner.dropped_bytes() == 0);
}

TEST_CASE("packets cut at every place come out whole", "[ts]") {
  const auto text = packets(0, 10);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Collected got;
    got.feed(text.substr(0, cut));
    got.feed(text.substr(cut));
    REQUIRE(got.out == text);
    REQUIRE(got.aligner.dropped_bytes() == 0);
  }
}

TEST_CASE("bytes that come one by one come out as packets", "[ts]") {
  const auto text = "junk" + packets(0, 10);
  Collected got;
  for (const char byte : text) got.feed({&byte, 1});
  CHECK(got.out == packets(0, 10));
  CHECK(got.aligner.dropped_bytes() == 4);
}

TEST_CASE("junk before the first packet is dropped and counted", "[ts]") {
  Collected got;
  got.feed("HTTP-ish junk with a lone \x47 in it" + packets(0, 8));
  CHECK(got.out == packets(0, 8));
  CHECK(got.aligner.dropped_bytes() == 33);
  CHECK(got.aligner.sync_losses() == 0);
}

TEST_CASE("fewer than eight sync bytes prove nothing", "[ts]") {
  Collected got;
  got.feed(packets(0, 7));
  CHECK(got.out.empty());
  CHECK(got.aligner.held() == 7 * kTsPacketSize);
  CHECK_FALSE(got.aligner.is_aligned());
  got.feed("\x47");
  CHECK(got.out == packets(0, 7));
  CHECK(got.aligner.is_aligned());
}

TEST_CASE("what looks like packets for a while and breaks off never was one", "[ts]") {
  for (int count = 1; count <= 7; ++count) {
    const auto junk = "junk" + packets(0, count) + std::string(400, 'j');
    Collected whole;
    whole.feed(junk);
    Collected dripped;
    for (const char byte : junk) dripped.feed({&byte, 1});
    for (const auto* got : {&whole, &dripped}) {
      CAPTURE(count);
      CHECK(got->out.empty());
      CHECK(got->aligner.dropped_bytes() == junk.size());
      CHECK(got->aligner.sync_losses() == 0);
    }
    whole.feed(packets(0, 8));
    CHECK(whole.out == packets(0, 8));
  }
}

TEST_CASE("random bytes are no packets", "[ts]") {
  // Of these each has three sync bytes in the right places within 128 KiB.
  for (const unsigned seed : {235U, 251U, 369U, 939U, 1034U, 1236U}) {
    std::mt19937_64 random{seed};
    std::string junk(128 * 1024, '\0');
    for (auto& byte : junk) byte = static_cast<char>(random() >> 56U);
    Collected got;
    got.feed(junk);
    CAPTURE(seed);
    CHECK(got.out.empty());
  }
}

TEST_CASE("lost bytes in mid-stream cost the packets they touch, no more", "[ts]") {
  const auto damaged = packets(0, 8) + packet(8).substr(0, 100) + packets(9, 18);
  Collected got;
  got.feed(damaged);
  // The torn packet swallows the head of the next: its loss shows only where the next should begin.
  CHECK(got.out.substr(0, 8 * kTsPacketSize) == packets(0, 8));
  CHECK(got.out.substr(9 * kTsPacketSize) == packets(10, 18));
  CHECK(got.aligner.sync_losses() == 1);
  CHECK(got.aligner.dropped_bytes() == 100);
}

TEST_CASE("a new session never continues a packet of the old one", "[ts]") {
  Collected got;
  got.feed(packets(0, 8) + packet(8).substr(0, 150));
  got.aligner.reset();
  CHECK(got.aligner.held() == 0);
  CHECK(got.aligner.dropped_bytes() == 150);
  got.feed(packet(9).substr(150) + packets(10, 18));
  CHECK(got.out == packets(0, 8) + packets(10, 18));
}

TEST_CASE("a run that another aligner has proven goes on with its next packet", "[ts]") {
  const auto text = packets(0, 12);
  for (const std::size_t cut : {8 * kTsPacketSize, 9 * kTsPacketSize + 100}) {
    Collected before;
    before.feed(text.substr(0, cut));
    Collected after;
    after.aligner.continue_run(before.aligner.place());
    after.feed(as_text(before.aligner.held_bytes()));
    after.feed(text.substr(cut));
    CHECK(before.out + after.out == text);
  }
}

TEST_CASE("packets of 192 and of 204 bytes are taken out of them, however they are cut", "[ts]") {
  struct Case {
    std::string wrapped;
    std::uint64_t dropped;
    std::uint64_t unwrapped;
  };
  // The last packet's parity has come, its successor's time stamp has not.
  const auto form = GENERATE(Case{stamped(0, 12), 4, 11 * 4}, Case{corrected(0, 12), 0, 12 * 16});
  for (std::size_t cut = 0; cut <= form.wrapped.size(); ++cut) {
    Collected got;
    got.feed(form.wrapped.substr(0, cut));
    got.feed(form.wrapped.substr(cut));
    REQUIRE(got.out == packets(0, 12));
    REQUIRE(got.aligner.dropped_bytes() == form.dropped);
    REQUIRE(got.aligner.unwrapped_bytes() == form.unwrapped);
    REQUIRE(got.aligner.sync_losses() == 0);
  }
  Collected dripped;
  for (const char byte : form.wrapped) dripped.feed({&byte, 1});
  CHECK(dripped.out == packets(0, 12));
}

TEST_CASE("a torn packet of 192 or 204 bytes costs what it touches", "[ts]") {
  const auto form = GENERATE(stamped, corrected);
  Collected got;
  got.feed(form(0, 8) + form(8, 9).substr(0, 100) + form(9, 20));
  CHECK(got.out.substr(0, 8 * kTsPacketSize) == packets(0, 8));
  CHECK(got.out.substr(got.out.size() - 10 * kTsPacketSize) == packets(10, 20));
  CHECK(got.aligner.sync_losses() == 1);
}

TEST_CASE("an aligner goes on in the gaps of another one's run", "[ts]") {
  const auto text = GENERATE(stamped(0, 14), corrected(0, 14));
  for (std::size_t cut = 8 * kTsPacketSize; cut < text.size(); ++cut) {
    Collected before;
    before.feed(text.substr(0, cut));
    if (!before.aligner.is_aligned()) continue;
    Collected after;
    after.aligner.continue_run(before.aligner.place());
    after.feed(as_text(before.aligner.held_bytes()));
    after.feed(text.substr(cut));
    REQUIRE(before.out + after.out == packets(0, 14));
  }
}

TEST_CASE("whatever comes in comes out, is dropped, or is held, however it is cut", "[ts]") {
  std::mt19937 random{20260101};
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (int piece = 0; piece < 6; ++piece) {
      const auto from = static_cast<int>(random() % 50);
      const auto to = from + static_cast<int>(random() % 20);
      const auto form = random() % 3;
      text += form == 0 ? packets(from, to) : form == 1 ? stamped(from, to) : corrected(from, to);
      for (auto junk = random() % 300; junk > 0; --junk) {
        text.push_back(random() % 4 == 0 ? '\x47' : static_cast<char>(random()));
      }
    }
    Collected whole;
    whole.feed(text);
    Collected cut;
    for (std::size_t at = 0; at < text.size();) {
      const auto size = std::min<std::size_t>(random() % 400, text.size() - at);
      cut.feed(std::string_view{text}.substr(at, size));
      at += size;
    }
    REQUIRE(cut.out == whole.out);
    REQUIRE(cut.aligner.dropped_bytes() == whole.aligner.dropped_bytes());
    REQUIRE(cut.aligner.sync_losses() == whole.aligner.sync_losses());
    REQUIRE(whole.out.size() + whole.aligner.dropped_bytes() + whole.aligner.unwrapped_bytes() +
                whole.aligner.held() ==
            text.size());
    for (std::size_t at = 0; at < whole.out.size(); at += kTsPacketSize) {
      REQUIRE(whole.out[at] == '\x47');
    }
  }
}
