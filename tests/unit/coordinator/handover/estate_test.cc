#include "coordinator/handover/estate.h"

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include <catch2/catch.hpp>

#include "shared/os/memory_file.h"

using ace::ByteSpan;
using ace::UniqueFd;
using ace::handover::Estate;
using ace::handover::pack;
using ace::handover::unpack;
using ace::proto::TsAligner;
using namespace std::chrono_literals;

namespace {

Estate estate() {
  Estate estate;
  estate.stream = *ace::proto::StreamId::parse(std::string(40, 'a'));
  estate.from = {"host:12"};
  estate.epoch = {7};
  estate.index = {42};
  estate.record = "playback_url\thttp://127.0.0.1:1/r\n";
  estate.session_made_at = ace::SteadyTime{5s};
  estate.decoder = *ace::proto::http::BodyDecoder::of("chunked", "");
  estate.unread = std::string("G\0half a packet", 15);
  const auto entry = std::make_shared<ace::proto::RandomAccessPoint>();
  entry->offset = 188;
  entry->tables.assign(376, std::byte{0x47});
  estate.pieces.push_back({.epoch = {6},
                           .index = {41},
                           .arrived = ace::SteadyTime{3s},
                           .media_time = -2s,
                           .random_access = entry,
                           .chunk = {},
                           .print_size = 376,
                           .print_hash = 99});
  estate.pieces.push_back(
      {.epoch = {7},
       .index = {42},
       .arrived = ace::SteadyTime{4s},
       .media_time = 1s,
       .chunk = ace::proto::Chunk::copy_of(ace::as_bytes(std::string(188 * 3, 'x')))});
  return estate;
}

/// As it went to another process.
std::string bytes_of(const UniqueFd& file) {
  const auto mapped = ace::os::MappedFile::open(file.get());
  REQUIRE(mapped);
  return std::string{ace::as_text(mapped->bytes())};
}

bool is_taken(std::string_view bytes) {
  const ByteSpan part = ace::as_bytes(bytes);
  const auto file = ace::os::make_memory_file({&part, 1});
  REQUIRE(file);
  return unpack(file->get()).has_value();
}

}  // namespace

TEST_CASE("an estate comes out as it went in", "[handover]") {
  auto in = estate();
  in.place = GENERATE(TsAligner::Place{}, TsAligner::Place{.gap = 16, .gap_left = 3});
  const auto file = pack(in);
  REQUIRE(file);
  const auto out = unpack(file->get());
  REQUIRE(out);
  CHECK(out->stream == in.stream);
  CHECK(out->from == in.from);
  CHECK(out->epoch == in.epoch);
  CHECK(out->index == in.index);
  CHECK(out->record == in.record);
  CHECK(out->session_made_at == in.session_made_at);
  CHECK(out->decoder.state() == in.decoder.state());
  CHECK(out->unread == in.unread);
  CHECK(out->place == in.place);
  REQUIRE(out->pieces.size() == 2);
  const auto& known = out->pieces[0];
  CHECK(known.epoch.value == 6);
  CHECK(known.index.value == 41);
  CHECK(known.arrived == ace::SteadyTime{3s});
  CHECK(known.media_time == -2s);
  REQUIRE(known.random_access);
  CHECK(known.random_access->offset == 188);
  CHECK(known.random_access->tables == in.pieces[0].random_access->tables);
  CHECK(known.chunk == nullptr);
  CHECK(known.print_size == 376);
  CHECK(known.print_hash == 99);
  REQUIRE(out->pieces[1].chunk);
  CHECK(ace::as_text(out->pieces[1].chunk->payload()) == std::string(188 * 3, 'x'));
  CHECK(out->pieces[1].random_access == nullptr);
}

TEST_CASE("an estate that is cut short, longer, damaged or of another version is refused",
          "[handover]") {
  auto whole = estate();
  whole.place.gap = GENERATE(std::size_t{0}, std::size_t{4});
  const auto bytes = bytes_of(*pack(whole));
  REQUIRE(is_taken(bytes));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(is_taken(std::string_view{bytes}.substr(0, size)));
  }
  CHECK_FALSE(is_taken(bytes + "x"));
  const auto description = bytes.size() - 188 * 3;
  for (std::size_t at = 0; at < description; ++at) {
    auto damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    CHECK_FALSE(is_taken(damaged));
  }
}

TEST_CASE("an estate whose pieces no window can have is refused", "[handover]") {
  auto swapped = estate();
  std::swap(swapped.pieces[0], swapped.pieces[1]);
  CHECK_FALSE(unpack(pack(swapped)->get()));
  auto without_newest = estate();
  without_newest.pieces.pop_back();
  CHECK_FALSE(unpack(pack(without_newest)->get()));
  auto empty = estate();
  empty.pieces.clear();
  CHECK(unpack(pack(empty)->get()));
}

TEST_CASE("an estate of plain packets is what processes of before take", "[handover]") {
  CHECK(bytes_of(*pack(estate())).front() == 1);
  auto wrapped = estate();
  wrapped.place.gap = 4;
  CHECK(bytes_of(*pack(wrapped)).front() == 2);
}

TEST_CASE("an estate whose place in packets makes no sense is refused", "[handover]") {
  auto wrapped = estate();
  wrapped.place = GENERATE(TsAligner::Place{.gap = 5}, TsAligner::Place{.gap = 4, .gap_left = 5});
  CHECK_FALSE(is_taken(bytes_of(*pack(wrapped))));
}

TEST_CASE("an estate whose bytes may go away under its reader is refused", "[handover]") {
  const auto bytes = bytes_of(*pack(estate()));
  const UniqueFd open{::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  REQUIRE(::write(open.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  CHECK_FALSE(unpack(open.get()));
  CHECK_FALSE(unpack(-1));
}
