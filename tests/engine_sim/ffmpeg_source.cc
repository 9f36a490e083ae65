#include "tests/engine_sim/ffmpeg_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/log/log.h"
#include "tests/support/viewers/numbered_ts.h"

namespace ace::sim {
namespace {

/// What a session holds for a reader that is not there: some seconds of picture.
constexpr std::size_t kMaxHeld = 2_MiB;
constexpr std::chrono::seconds kRestartPause{1};
/// Less than the 26.5 h after which a stream's own clock begins again.
constexpr std::chrono::hours kClockWraps{24};
constexpr const char* kFont = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf";

std::string picture_filter(const std::string& infohash) {
  // Two channels must be told apart at a glance: each has its hue, and its name where fonts are.
  const auto hue = test::stream_tag(infohash) % 360;
  auto filter = fmt::format("hue=h={}", hue);
  if (::access(kFont, R_OK) == 0) {
    filter += fmt::format(
        ",drawtext=fontfile={0}:text='{1}':x=20:y=h-80:fontsize=28:fontcolor=white:box=1:"
        "boxcolor=black@0.6,drawtext=fontfile={0}:text='%{{localtime\\:%H\\\\\\:%M\\\\\\:%S}}':"
        "x=20:y=h-44:fontsize=36:fontcolor=yellow:box=1:boxcolor=black@0.6",
        kFont, infohash.substr(0, 12));
  }
  return filter;
}

std::vector<std::string> arguments_for(const std::string& program, const std::string& infohash) {
  const auto tone = 220 + test::stream_tag(infohash) % 8 * 55;
  const auto sound = fmt::format("sine=frequency={}:sample_rate=48000:beep_factor=4", tone);
  std::vector<std::string> arguments{program};
  const auto add = [&](const std::string& text) {
    std::istringstream words{text};
    for (std::string word; words >> word;) arguments.push_back(word);
  };
  add("-hide_banner -loglevel error -nostdin");
  add("-re -f lavfi -i testsrc2=size=640x360:rate=25");
  add("-re -f lavfi -i " + sound);
  arguments.insert(arguments.end(), {"-vf", picture_filter(infohash)});
  add("-c:v libx264 -preset ultrafast -tune zerolatency -threads 1 -pix_fmt yuv420p");
  add("-g 25 -keyint_min 25 -sc_threshold 0 -b:v 1500k -maxrate 2000k -bufsize 1000k");
  add("-c:a aac -b:a 96k -ac 2");
  // All sessions of a stream, on whichever engine, tell the broadcaster's time.
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration<double>{now % kClockWraps}.count();
  add(fmt::format("-output_ts_offset {:.3f}", seconds));
  add("-f mpegts -pat_period 0.1 -pcr_period 20 -muxdelay 0 -muxpreload 0 -flush_packets 1");
  add("pipe:1");
  return arguments;
}

Result<pid_t> spawn(std::vector<std::string> arguments, int output) {
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, pointers[0], &actions, nullptr, pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(Error::from_errno("posix_spawn", error));
  return pid;
}

}  // namespace

std::string find_ffmpeg() {
  const char* path = std::getenv("PATH");
  std::istringstream folders{path == nullptr ? "" : path};
  for (std::string folder; std::getline(folders, folder, ':');) {
    auto program = folder + "/ffmpeg";
    if (::access(program.c_str(), X_OK) == 0) return program;
  }
  return {};
}

FfmpegSource::FfmpegSource(loop::Loop& loop, std::string program, std::string infohash)
    : loop_{loop}, program_{std::move(program)}, infohash_{std::move(infohash)} {
  start();
}

FfmpegSource::~FfmpegSource() { stop(); }

void FfmpegSource::start() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC | O_NONBLOCK) != 0) return;
  output_.reset(fds[0]);
  const UniqueFd input{fds[1]};
  // ffmpeg expects to wait when its pipe is full: only our end may be non-blocking.
  ::fcntl(input.get(), F_SETFL, 0);
  const auto pid = spawn(arguments_for(program_, infohash_), input.get());
  if (!pid) {
    log::error("source_failed", "{}", pid.error().text);
    output_.reset();
    return;
  }
  pid_ = *pid;
  log::info("source_started", "infohash={} ffmpeg_pid={}", infohash_, pid_);
  watcher_ =
      std::make_unique<loop::FdWatcher>(loop_, output_.get(), [this](loop::FdEvents) { read(); });
  watcher_->watch(true, false);
}

void FfmpegSource::stop() {
  watcher_.reset();
  output_.reset();
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);  // killed: it takes no time to speak of
  pid_ = -1;
}

void FfmpegSource::read() {
  std::array<char, 65536> buffer;
  const auto size = ::read(output_.get(), buffer.data(), buffer.size());
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) {
    log::warn("source_ended", "infohash={} ffmpeg_pid={}", infohash_, pid_);
    stop();
    restart_at_ = SystemClock{}.now() + kRestartPause;
    return;
  }
  held_.append(buffer.data(), static_cast<std::size_t>(size));
  if (held_.size() <= kMaxHeld) return;
  const auto excess = held_.size() - kMaxHeld;  // whole packets go, so that it stays aligned
  held_.erase(0, (excess / test::kTsPacketSize + 1) * test::kTsPacketSize);
}

void FfmpegSource::take(SteadyTime now, std::size_t room, std::string& out) {
  if (pid_ <= 0 && now >= restart_at_) start();
  const auto whole = std::min(held_.size(), room) / test::kTsPacketSize * test::kTsPacketSize;
  out.append(held_, 0, whole);
  held_.erase(0, whole);
}

}  // namespace ace::sim
