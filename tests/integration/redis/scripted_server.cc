#include "tests/integration/redis/scripted_server.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace ace::test {

ScriptedServer::ScriptedServer(loop::Loop& loop, std::vector<std::string> answers)
    : loop_{loop}, answers_{std::move(answers)} {
  std::string directory{"/tmp/ace-scripted-XXXXXX"};
  if (::mkdtemp(directory.data()) == nullptr) throw std::runtime_error{"mkdtemp"};
  directory_ = directory;
  listening_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, endpoint().socket.c_str(), sizeof address.sun_path - 1);
  const auto* const raw = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(listening_.get(), raw, sizeof address) != 0 || ::listen(listening_.get(), 8) != 0) {
    throw std::runtime_error{"no socket to listen on"};
  }
  watcher_ = std::make_unique<loop::FdWatcher>(loop, listening_.get(), [this](auto) { accept(); });
  watcher_->watch(true, false);
}

ScriptedServer::~ScriptedServer() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

redis::Endpoint ScriptedServer::endpoint() const {
  redis::Endpoint endpoint;
  endpoint.socket = directory_ + "/redis.sock";
  return endpoint;
}

void ScriptedServer::accept() {
  UniqueFd fd{::accept4(listening_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (!fd) return;
  ++accepted_;
  const int key = fd.get();
  auto watcher =
      std::make_unique<loop::FdWatcher>(loop_, key, [this, key](auto) { on_readable(key); });
  watcher->watch(true, false);
  connections_[key] = {.fd = std::move(fd), .watcher = std::move(watcher), .commands = 0};
}

void ScriptedServer::on_readable(int fd) {
  auto& connection = connections_.at(fd);
  std::array<char, 4096> bytes{};
  const auto size = ::read(fd, bytes.data(), bytes.size());
  if (size <= 0) {
    connection.watcher.reset();
    connections_.erase(fd);
    return;
  }
  // A command begins with '*', and no word of the tests has one.
  auto commands = std::count(bytes.begin(), bytes.begin() + size, '*');
  for (; commands > 0 && connection.commands < answers_.size(); --commands) {
    const auto& answer = answers_[connection.commands++];
    static_cast<void>(::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL));
  }
}

}  // namespace ace::test
