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
  /// A file that has `most_bytes` is renamed to `*.1`, in the place of an older one of that name,
  /// and begun anew; if it cannot be, lines are dropped. Several processes may write to one file:
  /// one of them renames it, the others open the new one. 0: no bound.
  explicit LineOutput(std::string path, std::uint64_t most_bytes = 0);

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
  /// Makes room in a file that is full. False: there is none.
  [[nodiscard]] bool has_room();
  void open_standard(int fd);
  /// As ::write(); fails with EAGAIN instead of waiting.
  [[nodiscard]] std::int64_t put(std::string_view bytes) const;
  [[nodiscard]] bool put_rest();

  std::string path_;  ///< empty: a standard stream
  std::uint64_t most_bytes_{};
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
