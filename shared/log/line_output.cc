#include "shared/log/line_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace ace::log {

LineOutput::LineOutput(Standard stream) {
  open_standard(stream == Standard::Output ? STDOUT_FILENO : STDERR_FILENO);
}

LineOutput::LineOutput(std::string path, std::uint64_t most_bytes)
    : path_{std::move(path)}, most_bytes_{most_bytes} {
  open_file();
}

void LineOutput::reopen() {
  if (!path_.empty()) open_file();
}

void LineOutput::open_file() {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  UniqueFd opened{::open(path_.c_str(), kFlags, 0640)};
  error_ = opened ? 0 : errno;
  if (!opened) return;
  owned_ = std::move(opened);
  fd_ = owned_.get();
  rest_.clear();
}

bool LineOutput::has_room() {
  if (most_bytes_ == 0 || path_.empty()) return true;
  struct stat written {};
  const auto is_full = [&] {
    return ::fstat(fd_, &written) == 0 && S_ISREG(written.st_mode) &&
           static_cast<std::uint64_t>(written.st_size) >= most_bytes_;
  };
  if (!is_full()) return true;
  // The lock goes with the file that is closed by open_file(). Who does not get it writes one line
  // more to the full file.
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) return true;
  struct stat named {};
  const bool is_renamed = ::stat(path_.c_str(), &named) != 0 || named.st_ino != written.st_ino ||
                          named.st_dev != written.st_dev;
  if (!is_renamed) static_cast<void>(::rename(path_.c_str(), (path_ + ".1").c_str()));
  open_file();
  const bool has_changed = !is_full();
  if (!has_changed) ::flock(fd_, LOCK_UN);
  return has_changed;
}

void LineOutput::open_standard(int fd) {
  fd_ = fd;
  struct stat info {};
  if (::fstat(fd, &info) != 0) return;
  if (S_ISSOCK(info.st_mode)) {  // systemd's journal
    kind_ = Kind::Socket;
    return;
  }
  if (!S_ISFIFO(info.st_mode) && !S_ISCHR(info.st_mode)) return;
  // O_NONBLOCK belongs to the open file, which others share with us: so we open our own.
  const auto name = fmt::format("/proc/self/fd/{}", fd);
  owned_ = UniqueFd{::open(name.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  if (owned_) {
    fd_ = owned_.get();
  } else {
    kind_ = Kind::Polled;  // somebody else's pipe
  }
}

std::int64_t LineOutput::put(std::string_view bytes) const {
  if (kind_ == Kind::Polled) {
    pollfd writable{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (::poll(&writable, 1, 0) <= 0) {
      errno = EAGAIN;
      return -1;
    }
  }
  ssize_t done = 0;
  do {
    done = kind_ == Kind::Socket
               ? ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
               : ::write(fd_, bytes.data(), bytes.size());
  } while (done < 0 && errno == EINTR);
  return done;
}

bool LineOutput::put_rest() {
  const auto done = put(rest_);
  if (done < 0) return false;
  rest_.erase(0, static_cast<std::size_t>(done));
  return rest_.empty();
}

bool LineOutput::write(std::string_view line) {
  const bool is_free = (rest_.empty() || put_rest()) && has_room();
  const auto done = is_free ? put(line) : -1;
  if (done < 0) {
    ++dropped_;
    return false;
  }
  rest_ = line.substr(static_cast<std::size_t>(done));
  return true;
}

int why_not_writable(const std::string& path) {
  const auto permits = [](const std::string& name, int mode) {
    return ::faccessat(AT_FDCWD, name.c_str(), mode, AT_EACCESS) == 0 ? 0 : errno;
  };
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) return S_ISDIR(info.st_mode) ? EISDIR : permits(path, W_OK);
  if (errno != ENOENT) return errno;
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return permits(".", W_OK | X_OK);
  return permits(path.substr(0, slash + 1), W_OK | X_OK);
}

}  // namespace ace::log
