#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/unique_fd.h"

namespace ace::log {

/// Where lines go. Never blocks and never fails the caller: a process that serves viewers must not
/// wait for a reader of its log, or for room on a disk.
class LineOutput {
 public:
  enum class Standard : std::uint8_t { Output, Error };

  explicit LineOutput(Standard stream);
  /// A file; is_open() tells whether it could be opened. For a pipe without a reader it cannot.
  explicit LineOutput(std::string path);

  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Why not; an errno.
  [[nodiscard]] int error() const { return error_; }
  /// A file under its name, which may be another file by now; what cannot be opened stays as it
  /// was.
  void reopen();

  /// A whole line with its end. False: it was dropped.
  bool write(std::string_view line);
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  enum class Kind : std::uint8_t { Plain, Socket, Polled };

  void open_file();
  void open_standard(int fd);
  /// As ::write(); fails with EAGAIN instead of waiting.
  [[nodiscard]] std::int64_t put(std::string_view bytes) const;
  [[nodiscard]] bool put_rest();

  std::string path_;  ///< empty: a standard stream
  UniqueFd owned_;
  int fd_{-1};
  Kind kind_{Kind::Plain};
  int error_{};
  std::string rest_;  ///< of a line of which a part was taken
  std::uint64_t dropped_{};
};

/// Whether a file of this name could be written now: 0, or an errno. Makes none.
[[nodiscard]] int why_not_writable(const std::string& path);

}  // namespace ace::log
