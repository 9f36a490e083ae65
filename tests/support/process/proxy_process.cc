#include "tests/support/process/proxy_process.h"

#include <charconv>
#include <sstream>
#include <stdexcept>

#include "tests/support/process/wait_until.h"

namespace ace::test {

std::vector<std::uint16_t> wait_for_ports(ChildProcess& process, const std::string& path,
                                          std::chrono::milliseconds timeout) {
  std::string text;
  const bool written = wait_until(
      [&] {
        text = read_text_file(path);
        return !text.empty() || !process.is_alive();
      },
      timeout);
  if (!written || text.empty()) {
    throw std::runtime_error{std::string{"a process "} +
                             (process.is_alive() ? "was not ready in time" : "ended at its start") +
                             ", its log:\n" + process.log()};
  }
  std::vector<std::uint16_t> ports;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("unix:")) continue;
    const auto colon = line.rfind(':');
    std::uint16_t port = 0;
    std::from_chars(line.data() + colon + 1, line.data() + line.size(), port);
    if (colon == std::string::npos || port == 0) throw std::runtime_error{"not a port: " + line};
    ports.push_back(port);
  }
  return ports;
}

ProxyProcess::ProxyProcess(const Environment& environment, std::chrono::milliseconds timeout) {
  ChildOptions options;
  options.environment = environment;
  options.environment.try_emplace("PROXY_LISTEN", "127.0.0.1:0");
  const auto port_file = dir_.file("ports");
  options.environment.insert_or_assign("PROXY_PORT_FILE", port_file);
  process_ = std::make_unique<ChildProcess>("ace-proxy", ACE_BINARY_DIR "/ace-proxy", options);
  port_ = wait_for_ports(*process_, port_file, timeout).front();
}

}  // namespace ace::test
