#include "tests/e2e/supervisor/running.h"

#include <catch2/catch.hpp>

namespace ace::test {

Running::Running(unsigned workers, std::vector<std::string> more,
                 std::map<std::string, std::string> environment, std::string path)
    : program{setup(workers, std::move(more), std::move(environment), std::move(path))} {
  REQUIRE(systemd.hears("READY=1"));
}

Program::Setup Running::setup(unsigned workers, std::vector<std::string> more,
                              std::map<std::string, std::string> environment, std::string path) {
  std::vector<std::string> words{"--listen=127.0.0.1:0", "--proxy-port-file=" + port_file};
  if (workers != 0) words.push_back("--workers=" + std::to_string(workers));
  words.insert(words.end(), more.begin(), more.end());
  environment.emplace("NOTIFY_SOCKET", systemd.path());
  return {.arguments = std::move(words),
          .environment = std::move(environment),
          .listen_fds = {},
          .program = std::move(path)};
}

std::string Running::address() const {
  const auto all = read_file(port_file);
  return all.substr(0, all.find('\n'));
}

bool Running::has_workers(std::size_t count) const { return program.workers().size() == count; }

}  // namespace ace::test
