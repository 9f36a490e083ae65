// What real encoders and multiplexers make, against what ffprobe finds in it.

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "proto/mpeg_ts/ts_aligner.h"
#include "proto/mpeg_ts/ts_index.h"
#include "tests/support/process/child_process.h"

using namespace ace::test;
using namespace std::chrono_literals;
using ace::as_bytes;
using ace::as_text;
using ace::ByteSpan;
using ace::proto::kTsPacketSize;
using ace::proto::TsAligner;
using ace::proto::TsIndex;

namespace {

using Places = std::vector<std::size_t>;

constexpr const char* kFfmpeg = "/usr/bin/ffmpeg";
constexpr const char* kFfprobe = "/usr/bin/ffprobe";

bool has_tools() {
  const bool are_there = ::access(kFfmpeg, X_OK) == 0 && ::access(kFfprobe, X_OK) == 0;
  if (!are_there && std::getenv("ACE_REQUIRE_TOOLS") != nullptr) FAIL("ffmpeg is not installed");
  return are_there;
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream{text};
  std::vector<std::string> all;
  for (std::string word; stream >> word;) all.push_back(word);
  return all;
}

std::string run(const char* program, const std::vector<std::string>& arguments) {
  ChildProcess process{program, program, {.arguments = arguments}};
  const auto exit = process.wait(60s);
  REQUIRE(exit);
  INFO(process.log());
  REQUIRE(exit->code == 0);
  return process.log();
}

/// A transport stream that ffmpeg makes with these options, a picture of 25 Hz and a tone.
class EncodedStream {
 public:
  explicit EncodedStream(const std::string& options, int seconds = 6) {
    const auto inputs =
        "-v error -nostdin -f lavfi -i testsrc2=size=160x120:rate=25 -f lavfi -i "
        "sine=sample_rate=48000 -threads 1 -pix_fmt yuv420p -t " +
        std::to_string(seconds);
    run(kFfmpeg, words(inputs + " " + options + " -f mpegts " + path()));
    bytes_ = read_text_file(path());
  }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  /// Where ffprobe finds the key frames of the first video.
  [[nodiscard]] Places key_frames() const {
    Places places;
    std::istringstream lines{
        run(kFfprobe, words("-v error -select_streams v:0 -show_entries packet=pos,flags -of "
                            "csv=p=0 " +
                            path()))};
    for (std::string line; std::getline(lines, line);) {
      if (line.find('K') == std::string::npos) continue;
      std::from_chars(line.data(), line.data() + line.size(), places.emplace_back());
    }
    return places;
  }

 private:
  [[nodiscard]] std::string path() const { return dir_.file("stream.ts"); }

  TempDir dir_;
  std::string bytes_;
};

/// Where the index finds random access points.
Places entries_of(std::string_view packets) {
  TsIndex index;
  Places places;
  for (std::size_t at = 0; at < packets.size(); at += kTsPacketSize) {
    const auto scanned = index.scan(as_bytes(packets.substr(at, kTsPacketSize)));
    if (scanned.earlier) places.push_back(at - scanned.earlier->offset);
    if (scanned.random_access) places.push_back(at);
  }
  return places;
}

/// Sets the random access flag of every packet that begins a unit and has room for it.
std::string with_all_flags(std::string packets) {
  for (std::size_t at = 0; at < packets.size(); at += kTsPacketSize) {
    const bool begins = (packets[at + 1] & 0x40) != 0;
    const bool has_field = (packets[at + 3] & 0x20) != 0 && packets[at + 4] != 0;
    if (begins && has_field) packets[at + 5] = static_cast<char>(packets[at + 5] | 0x40);
  }
  return packets;
}

std::string unwrapped(const std::string& bytes) {
  std::string packets;
  TsAligner aligner;
  aligner.feed(as_bytes(bytes), [&](ByteSpan run) { packets += as_text(run); });
  CHECK(aligner.sync_losses() == 0);
  return packets;
}

}  // namespace

TEST_CASE("random access points are the key frames that a decoder begins with", "[encoded]") {
  if (!has_tools()) return;
  const std::string codec = GENERATE(
      as<std::string>{}, "-c:v libx264 -preset ultrafast -g 40 -c:a aac",
      "-c:v libx264 -preset veryfast -g 40 -x264-params repeat-headers=1:open-gop=1:bframes=2 "
      "-c:a aac",
      "-c:v libx264 -preset veryfast -x264-params aud=1:slices=4:keyint=30:b-pyramid=normal -c:a "
      "ac3",
      "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=40:open-gop=1 -c:a ac3",
      "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=40:open-gop=0:aud=1 -c:a "
      "aac",
      "-c:v mpeg2video -g 15 -bf 2 -c:a mp2");
  CAPTURE(codec);
  const EncodedStream stream{codec};
  const auto keys = stream.key_frames();
  CHECK(keys.size() >= 3);
  CHECK(entries_of(stream.bytes()) == keys);
  CHECK(entries_of(with_all_flags(stream.bytes())) == keys);
}

TEST_CASE("headers before every picture make none a random access point", "[encoded]") {
  if (!has_tools()) return;
  const EncodedStream stream{
      "-c:v libx264 -preset ultrafast -g 50 -bsf:v dump_extra=freq=all -c:a aac"};
  const auto keys = stream.key_frames();
  CHECK(keys.size() == 3);
  CHECK(entries_of(with_all_flags(stream.bytes())) == keys);
}

TEST_CASE("a stream that is refreshed bit by bit is begun at its recovery points", "[encoded]") {
  if (!has_tools()) return;
  const EncodedStream stream{
      "-c:v libx264 -preset ultrafast -x264-params intra-refresh=1:keyint=25 -c:a aac"};
  CHECK(entries_of(stream.bytes()).size() >= 5);
  CHECK(entries_of(stream.bytes()) == stream.key_frames());
}

TEST_CASE("of several encoded programs the first one counts", "[encoded]") {
  if (!has_tools()) return;
  const EncodedStream stream{
      "-map 0:v -map 1:a -map 0:v -map 1:a -program title=one:st=0:st=1 -program "
      "title=two:st=2:st=3 -c:v libx264 -preset ultrafast -g:v:0 75 -g:v:1 10 -c:a aac"};
  const auto keys = stream.key_frames();
  CHECK(keys.size() == 2);
  CHECK(entries_of(stream.bytes()) == keys);
}

TEST_CASE("an m2ts stream is unwrapped", "[encoded]") {
  if (!has_tools()) return;
  const EncodedStream stream{"-c:v libx264 -preset ultrafast -g 50 -c:a ac3 -mpegts_m2ts_mode 1"};
  REQUIRE(stream.bytes().size() % 192 == 0);
  const auto packets = unwrapped(stream.bytes());
  CHECK(packets.size() == stream.bytes().size() / 192 * kTsPacketSize);
  Places keys;
  for (const auto key : stream.key_frames()) keys.push_back(key / 192 * kTsPacketSize);
  CHECK(keys.size() == 3);
  CHECK(entries_of(packets) == keys);
}

TEST_CASE("radio is begun anywhere, in whatever form its sound comes", "[encoded]") {
  if (!has_tools()) return;
  const std::string sound = GENERATE("aac", "ac3", "eac3", "mp2", "libopus");
  CAPTURE(sound);
  const EncodedStream stream{"-map 1:a -c:a " + sound, 2};
  CHECK(entries_of(stream.bytes()).size() >= 5);
}
