#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/support/process/child_process.h"
#include "tests/support/viewers/viewers.h"

namespace ace::test {

/// A program that plays some seconds of a stream at the stream's own pace or faster, without screen
/// and sound, and tells how much it decoded. An exit code proves nothing: players leave with 0 when
/// hardly anything came.
struct Player {
  std::string name;
  std::string program;
  std::vector<std::string> needs{};    ///< other programs, without which it does not play
  std::vector<std::string> arguments;  ///< the stream's URL follows where "{url}" stands
  double seconds{10};                  ///< how many it is to play
  /// Seconds of picture that it decoded, by its log.
  std::function<double(const std::string& log)> seconds_decoded;
  /// Lines of its log that speak of damaged media.
  std::function<std::string(const std::string& log)> complaints;
};

[[nodiscard]] Player ffmpeg(int seconds = 10);
/// What TVHeadend's `pipe://curl` sources do.
[[nodiscard]] Player curl_into_ffmpeg();
[[nodiscard]] Player mpv();
[[nodiscard]] Player vlc();
[[nodiscard]] Player gstreamer();

[[nodiscard]] ChildProcess start(const Player& player, const std::string& url);
/// False, and the test says so, when the player is not installed; with ACE_REQUIRE_TOOLS=1 a
/// missing player fails the test.
[[nodiscard]] bool is_installed(const Player& player);
/// Runs `others` until the player has ended; it must have decoded what it was to play,
/// and nothing damaged. `which` of them it is, if the test has to say so.
void check_played(const Player& player, ChildProcess& process, Viewers& others, const char* which);

}  // namespace ace::test
