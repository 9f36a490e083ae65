#include "tests/e2e/stream/players.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <iterator>
#include <regex>
#include <sstream>
#include <string_view>

#include <catch2/catch.hpp>

namespace ace::test {
namespace {

/// A player may stop this many seconds short: where it begins, and what of the sound it waits for,
/// is its own affair.
constexpr double kSlack = 0.5;
constexpr std::chrono::seconds kPatience{60};
constexpr double kFrame = 1.0 / 25;  // of the simulated engine's picture

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream{text};
  return {std::istream_iterator<std::string>{stream}, {}};
}

std::string lines_where(const std::string& log,
                        const std::function<bool(const std::string&)>& is_one) {
  std::string found;
  std::istringstream lines{log};
  for (std::string line; std::getline(lines, line);) {
    if (is_one(line)) found += line + "\n";
  }
  return found;
}

std::function<std::string(const std::string&)> lines_like(const char* pattern) {
  return [expression = std::regex{pattern}](const std::string& log) {
    return lines_where(
        log, [&](const std::string& line) { return std::regex_search(line, expression); });
  };
}

double count(const std::string& log, std::string_view text) {
  double found = 0;
  for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++found;
  return found;
}

/// The numbers that follow `name` in the log.
std::vector<double> numbers_after(const std::string& log, std::string_view name) {
  std::vector<double> numbers;
  for (auto at = log.find(name); at != std::string::npos; at = log.find(name, at + 1)) {
    double number = 0;
    const auto* begin = log.data() + at + name.size();
    const auto [end, error] = std::from_chars(begin, log.data() + log.size(), number);
    if (error == std::errc{}) numbers.push_back(number);
  }
  return numbers;
}

double seconds_of_progress(const std::string& log) {
  const auto times = numbers_after(log, "out_time_us=");
  return times.empty() ? 0 : times.back() / 1e6;
}

/// Reports of `-progress` are name=value; all else is an error at this log level.
std::string not_progress(const std::string& log) {
  static const std::regex progress{"^[a-z0-9_]+= *[^ ]*$"};
  return lines_where(log,
                     [](const std::string& line) { return !std::regex_match(line, progress); });
}

std::string ffmpeg_options(const std::string& input, int seconds) {
  return fmt::format("-v error -xerror -progress pipe:1 -i {} -t {} -f null -", input, seconds);
}

}  // namespace

Player ffmpeg(int seconds) {
  return {.name = "ffmpeg",
          .program = "/usr/bin/ffmpeg",
          .arguments = words(ffmpeg_options("{url}", seconds)),
          .seconds = static_cast<double>(seconds),
          .seconds_decoded = seconds_of_progress,
          .complaints = not_progress};
}

Player curl_into_ffmpeg() {
  return {.name = "curl",
          .program = "/bin/sh",
          .needs = {"/usr/bin/curl", "/usr/bin/ffmpeg"},
          .arguments = {"-c", "curl -s \"$0\" | ffmpeg " + ffmpeg_options("pipe:0", 10), "{url}"},
          .seconds_decoded = seconds_of_progress,
          .complaints = not_progress};
}

Player mpv() {
  auto arguments = words("--no-config --vo=null --ao=null --length=10");
  arguments.insert(arguments.end(), {"--msg-level=all=error,statusline=status",
                                     "--term-status-msg=POSITION=${=time-pos}", "{url}"});
  const auto span = [](const std::string& log) {
    const auto positions = numbers_after(log, "POSITION=");
    if (positions.empty()) return 0.0;
    const auto [first, last] = std::ranges::minmax(positions);
    return last - first + kFrame;
  };
  // Status lines are parted by carriage returns and begin with a sequence for terminals.
  return {.name = "mpv",
          .program = "/usr/bin/mpv",
          .arguments = std::move(arguments),
          .seconds_decoded = span,
          .complaints = lines_like("^[^\\r\\x1b]*\\[")};
}

Player vlc() {
  // Its video output "stats" logs each picture that it shows. A busy machine shows pictures late,
  // which is no fault of the stream: they are shown nevertheless.
  auto arguments = words(
      "-vv --ignore-config --no-lua --no-metadata-network-access -I dummy --play-and-exit "
      "--run-time=10 --vout=stats --aout=adummy --no-drop-late-frames --no-skip-frames {url} "
      "vlc://quit");
  const auto seconds = [](const std::string& log) { return count(log, "VOUT got") * kFrame; };
  Player player{.name = "vlc",
                .program = "/usr/bin/vlc",
                .arguments = std::move(arguments),
                .seconds_decoded = seconds,
                .complaints = lines_like("(decoder|demux|packetizer|access|stream)[a-z ]* error"
                                         "|discontinuity received|error while decoding"
                                         "|concealing|non-existing [PS]PS|no frame!")};
  if (::geteuid() == 0) {
    // It refuses to run as root.
    const auto as_nobody =
        words("--reuid=65534 --regid=65534 --clear-groups --pdeathsig=KILL /usr/bin/vlc");
    player.program = "/usr/bin/setpriv";
    player.needs = {"/usr/bin/vlc"};
    player.arguments.insert(player.arguments.begin(), as_nobody.begin(), as_nobody.end());
  }
  return player;
}

Player gstreamer() {
  const auto seconds = [](const std::string& log) {
    return count(log, "video: last-message = chain") * kFrame;
  };
  return {.name = "gst",
          .program = "/usr/bin/gst-launch-1.0",
          .arguments = words("-v souphttpsrc location={url} is-live=true ! tsdemux name=ts "
                             "ts. ! queue ! h264parse ! avdec_h264 ! "
                             "fakesink name=video num-buffers=250 sync=true silent=false "
                             "ts. ! queue ! aacparse ! avdec_aac ! "
                             "fakesink name=audio num-buffers=468 sync=true silent=false"),
          .seconds_decoded = seconds,
          .complaints = lines_like("ERROR|WARNING")};
}

ChildProcess start(const Player& player, const std::string& url) {
  ChildOptions options{.arguments = player.arguments, .environment = {{"HOME", "/nonexistent"}}};
  for (auto& argument : options.arguments) {
    if (const auto at = argument.find("{url}"); at != std::string::npos) {
      argument.replace(at, 5, url);
    }
  }
  return {player.name, player.program, options};
}

bool is_installed(const Player& player) {
  auto programs = player.needs;
  programs.push_back(player.program);
  for (const auto& program : programs) {
    if (::access(program.c_str(), X_OK) == 0) continue;
    if (std::getenv("ACE_REQUIRE_TOOLS") != nullptr) FAIL(program << " is not installed");
    WARN("SKIPPED: " << program << " is not installed (deploy/install-deps.sh test)");
    return false;
  }
  return true;
}

void check_played(const Player& player, ChildProcess& process, Viewers& others, const char* which) {
  INFO(player.name << ", the one that " << which);
  const bool has_ended = others.run_until([&] { return !process.is_alive(); }, kPatience);
  const auto log = process.log();
  CHECK(player.complaints(log) == "");
  CHECK(player.seconds_decoded(log) >= player.seconds - kSlack);
  if (!has_ended) FAIL("it has not ended:\n" << log);
  if (process.wait(std::chrono::milliseconds{0})->code != 0) FAIL("it failed:\n" << log);
}

}  // namespace ace::test
