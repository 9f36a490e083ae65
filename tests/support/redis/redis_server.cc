#include "tests/support/redis/redis_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "shared/base/unique_fd.h"
#include "shared/redis/hiredis_reply.h"

namespace ace::test {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kStartLimit{10};
/// A free port may be taken by somebody else before the server has it.
constexpr int kStarts = 5;

using Context = std::unique_ptr<redisContext, decltype(&redisFree)>;

Context connect(const std::string& socket) {
  Context context{redisConnectUnixWithTimeout(socket.c_str(), timeval{5, 0}), &redisFree};
  if (context && context->err == 0) redisSetTimeout(context.get(), timeval{5, 0});
  return context;
}

Result<redis::Reply> ask(redisContext& context, const std::vector<std::string>& args) {
  std::vector<const char*> words;
  std::vector<std::size_t> sizes;
  for (const auto& arg : args) {
    words.push_back(arg.data());
    sizes.push_back(arg.size());
  }
  const std::unique_ptr<void, decltype(&freeReplyObject)> reply{
      redisCommandArgv(&context, static_cast<int>(words.size()), words.data(), sizes.data()),
      &freeReplyObject};
  if (!reply) return fail(Errc::Closed, context.errstr);
  return redis::from_hiredis(*static_cast<const redisReply*>(reply.get()));
}

std::uint16_t free_port() {
  const UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd.get(), raw, size) != 0 || ::getsockname(fd.get(), raw, &size) != 0) {
    throw std::system_error{errno, std::generic_category(), "no free port"};
  }
  return ntohs(address.sin_port);
}

/// Only async-signal-safe calls: the parent may have threads.
[[noreturn]] void become_server(char* const* argv, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it died in between
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setpgid(0, 0);  // a Ctrl-C at the terminal is the test's
  const int null = ::open("/dev/null", O_RDWR);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
  ::close_range(STDERR_FILENO + 1, ~0U, 0);
  ::execvp(argv[0], argv);
  ::_exit(127);
}

}  // namespace

RedisServer::RedisServer() : RedisServer(Options{}) {}

RedisServer::RedisServer(Options options) : options_{std::move(options)} {
  const char* const root = std::getenv("TMPDIR");
  // Short: a unix socket's path has 107 characters.
  auto directory = std::string{root != nullptr ? root : "/tmp"} + "/ace-redis-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) {
    throw std::system_error{errno, std::generic_category(), "mkdtemp " + directory};
  }
  directory_ = directory;
  try {
    start();
  } catch (...) {
    std::filesystem::remove_all(directory_);
    throw;
  }
}

RedisServer::~RedisServer() {
  kill();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

redis::Endpoint RedisServer::endpoint() const {
  redis::Endpoint endpoint;
  endpoint.socket = directory_ + "/redis.sock";
  endpoint.password = options_.password;
  return endpoint;
}

redis::Endpoint RedisServer::tcp_endpoint() const {
  redis::Endpoint endpoint;
  endpoint.host = "127.0.0.1";
  endpoint.port = port_;
  endpoint.password = options_.password;
  return endpoint;
}

void RedisServer::pause() { ::kill(pid_, SIGSTOP); }

void RedisServer::resume() { ::kill(pid_, SIGCONT); }

void RedisServer::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(std::exchange(pid_, -1), nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove(endpoint().socket, ignored);
}

void RedisServer::require_password(const std::string& password) {
  if (!command({"CONFIG", "SET", "requirepass", password})) {
    throw std::runtime_error{"redis-server takes no password"};
  }
  options_.password = password;
}

void RedisServer::restart() {
  kill();
  start_process();
  if (!await_pong()) throw std::runtime_error{"redis-server does not come back"};
}

void RedisServer::restart_loading(std::chrono::milliseconds loading) {
  // So many keys, each read after a pause; the server looks up from its work every KiB.
  constexpr int kKeys = 100;
  const auto filled =
      command({"EVAL", "for i=1,ARGV[1] do redis.call('SET','filler:'..i,string.rep('x',2048)) end",
               "0", std::to_string(kKeys)});
  if (!filled || !command({"CONFIG", "SET", "rdbcompression", "no"}) || !command({"SAVE"})) {
    throw std::runtime_error{"redis-server keeps nothing"};
  }
  kill();
  const std::chrono::microseconds pause = loading / kKeys;
  start_process({"--loading-process-events-interval-bytes", "1024", "--key-load-delay",
                 std::to_string(pause.count())});
  const auto limit = steady_clock::now() + kStartLimit;
  while (!is_loading()) {
    if (steady_clock::now() > limit) throw std::runtime_error{"redis-server does not load"};
    ::poll(nullptr, 0, 2);
  }
}

bool RedisServer::is_loading() const {
  const auto pong = command({"PING"});
  return !pong && pong.error().text.starts_with("LOADING");
}

void RedisServer::start() {
  for (int attempt = 0; attempt < kStarts; ++attempt) {
    if (options_.tcp == Tcp::On) port_ = free_port();
    start_process();
    if (await_pong()) return;
    kill();
  }
  throw std::runtime_error{"redis-server does not start (is it installed?)"};
}

std::vector<std::string> RedisServer::command_line() const {
  auto words = options_.launcher;
  words.insert(words.end(), {"redis-server", "--port", std::to_string(port_), "--bind", "127.0.0.1",
                             "--unixsocket", endpoint().socket, "--dir", directory_, "--logfile",
                             directory_ + "/redis.log", "--save", "", "--appendonly", "no"});
  if (!options_.password.empty()) {
    words.insert(words.end(), {"--requirepass", options_.password});
  }
  words.insert(words.end(), options_.arguments.begin(), options_.arguments.end());
  return words;
}

void RedisServer::start_process(const std::vector<std::string>& further) {
  auto words = command_line();
  words.insert(words.end(), further.begin(), further.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error{errno, std::generic_category(), "fork"};
  if (pid_ == 0) become_server(argv.data(), parent);
}

bool RedisServer::await_pong() const {
  const auto limit = steady_clock::now() + kStartLimit;
  while (steady_clock::now() < limit) {
    const auto pong = command({"PING"});
    if (pong) return true;
    siginfo_t ended{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT);
    if (ended.si_pid != 0) return false;
    ::poll(nullptr, 0, 2);  // the server tells nobody that it is ready: ask it again
  }
  return false;
}

Result<redis::Reply> RedisServer::command(const std::vector<std::string>& args) const {
  const auto context = connect(endpoint().socket);
  if (!context || context->err != 0) return fail(Errc::Unavailable, "redis-server is not there");
  if (!options_.password.empty()) {
    if (auto entered = ask(*context, {"AUTH", options_.password}); !entered) return entered;
  }
  return ask(*context, args);
}

}  // namespace ace::test
