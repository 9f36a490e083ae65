#include "tests/e2e/supervisor/program.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "shared/config/address.h"

namespace ace::test {
namespace {

template <class Address>
const sockaddr* generic(const Address& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

UniqueFd connected(const std::string& text) {
  const auto address = config::parse_listen_address(text);
  REQUIRE(address);
  if (!address->unix_path.empty()) {
    UniqueFd fd{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const auto to = unix_address(address->unix_path);
    return connect(fd.get(), generic(to), sizeof to) == 0 ? std::move(fd) : UniqueFd{};
  }
  if (address->host.find(':') != std::string::npos) {
    UniqueFd fd{socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(address->port);
    inet_pton(AF_INET6, address->host.c_str(), &to.sin6_addr);
    return connect(fd.get(), generic(to), sizeof to) == 0 ? std::move(fd) : UniqueFd{};
  }
  UniqueFd fd{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(address->port);
  inet_pton(AF_INET, address->host.c_str(), &to.sin_addr);
  return connect(fd.get(), generic(to), sizeof to) == 0 ? std::move(fd) : UniqueFd{};
}

/// As systemd does it: from descriptor 3 on.
void hand_over(const std::vector<int>& sockets) {
  if (sockets.empty()) return;
  std::vector<int> aside;  // nobody's place is taken before it has moved
  for (const int socket : sockets) aside.push_back(fcntl(socket, F_DUPFD_CLOEXEC, 64));
  int place = 3;
  for (const int socket : aside) dup2(socket, place++);
  setenv("LISTEN_FDS", std::to_string(sockets.size()).c_str(), 1);
  setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
}

/// In the child, between fork and exec.
[[noreturn]] void become(const Program::Setup& setup, int errors) {
  for (const auto& [name, value] : setup.environment) setenv(name.c_str(), value.c_str(), 1);
  dup2(errors, STDERR_FILENO);
  hand_over(setup.listen_fds);
  std::vector<std::string> words{setup.program.empty() ? ACE_SUPERVISED_PROGRAM : setup.program};
  words.insert(words.end(), setup.arguments.begin(), setup.arguments.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  _exit(127);
}

}  // namespace

bool eventually(const std::function<bool()>& is_so, milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > until) return false;
    poll(nullptr, 0, 5);
  }
  return true;
}

TempFolder::TempFolder() { REQUIRE(mkdtemp(path_.data()) != nullptr); }

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream{path, std::ios::trunc} << text;
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

std::string ask(const std::string& address) {
  const auto fd = connected(address);
  std::string answer;
  char part[256];
  while (fd) {
    const auto got = read(fd.get(), part, sizeof part);
    if (got <= 0) break;
    answer.append(part, static_cast<std::size_t>(got));
  }
  return answer;
}

NotifySocket::NotifySocket(std::string path)
    : path_{std::move(path)}, fd_{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {
  const auto address = unix_address(path_);
  REQUIRE(bind(fd_.get(), generic(address), sizeof address) == 0);
}

bool NotifySocket::hears(const std::string& state, milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
    pollfd waiting{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (left <= 0ms || poll(&waiting, 1, static_cast<int>(left.count())) <= 0) return false;
    char text[512];
    const auto got = recv(fd_.get(), text, sizeof text, 0);
    if (got > 0 && std::string(text, static_cast<std::size_t>(got)).starts_with(state)) return true;
  }
}

Program::Program(const Setup& setup) : errors_{memfd_create("standard-error", MFD_CLOEXEC)} {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  pid_ = fork();
  REQUIRE(pid_ >= 0);
  if (pid_ == 0) become(setup, errors_.get());
}

Program::~Program() {
  if (ended_) return;
  const auto left = workers();
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  for (const auto worker : left) {
    kill(worker, SIGKILL);
    waitpid(worker, nullptr, 0);
  }
}

std::set<pid_t> Program::workers() const {
  std::set<pid_t> all;
  std::ifstream in{"/proc/" + std::to_string(pid_) + "/task/" + std::to_string(pid_) + "/children"};
  for (pid_t child{}; in >> child;) all.insert(child);
  return all;
}

void Program::signal(int number) const { REQUIRE(kill(pid_, number) == 0); }

std::optional<int> Program::exit_code(milliseconds limit) {
  int status{};
  const auto is_reaped = [&] { return waitpid(pid_, &status, WNOHANG) == pid_; };
  if (!ended_ && eventually(is_reaped, limit)) {
    ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return ended_;
}

std::string Program::errors() {
  return read_file("/proc/self/fd/" + std::to_string(errors_.get()));
}

bool has_ended(pid_t pid, milliseconds limit) {
  const UniqueFd handle{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
  if (!handle) return errno == ESRCH;
  pollfd waiting{.fd = handle.get(), .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, static_cast<int>(limit.count())) == 1;
}

}  // namespace ace::test
