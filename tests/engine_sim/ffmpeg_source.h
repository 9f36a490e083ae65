#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "shared/base/unique_fd.h"
#include "shared/loop/fd_watcher.h"
#include "tests/engine_sim/source.h"

namespace ace::sim {

/// The first executable `ffmpeg` of PATH; empty when there is none.
[[nodiscard]] std::string find_ffmpeg();

/// A picture with a running clock and a tone, encoded by one ffmpeg process. The process dies with
/// the source; one that ends by itself is started again, not more than once a second.
class FfmpegSource final : public Source {
 public:
  FfmpegSource(loop::Loop& loop, std::string program, std::string infohash);
  ~FfmpegSource() override;
  FfmpegSource(const FfmpegSource&) = delete;
  FfmpegSource& operator=(const FfmpegSource&) = delete;

  /// The past is not kept: it begins with what was not taken yet.
  void begin(SteadyTime) override {}
  void take(SteadyTime now, std::size_t room, std::string& out) override;

 private:
  void start();
  void stop();
  void read();

  loop::Loop& loop_;
  std::string program_;
  std::string infohash_;
  pid_t pid_{-1};
  UniqueFd output_;
  std::unique_ptr<loop::FdWatcher> watcher_;
  std::string held_;
  SteadyTime restart_at_{};
};

}  // namespace ace::sim
