#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "shared/base/unique_fd.h"
#include "shared/loop/fd_watcher.h"
#include "shared/loop/loop.h"
#include "shared/redis/endpoint.h"

namespace ace::test {

/// Something on a unix socket that is no Redis: it answers the n-th command it is sent on a
/// connection with the n-th of its lines, whatever they are, and says nothing after the last.
class ScriptedServer {
 public:
  ScriptedServer(loop::Loop& loop, std::vector<std::string> answers);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] redis::Endpoint endpoint() const;
  [[nodiscard]] int connections() const { return accepted_; }

 private:
  struct Connection {
    UniqueFd fd;
    std::unique_ptr<loop::FdWatcher> watcher;
    std::size_t commands{};
  };
  void accept();
  void on_readable(int fd);

  loop::Loop& loop_;
  std::vector<std::string> answers_;
  std::string directory_;
  UniqueFd listening_;
  std::unique_ptr<loop::FdWatcher> watcher_;
  std::map<int, Connection> connections_;
  int accepted_{};
};

}  // namespace ace::test
