#include "tests/stress/file_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

#include "tests/support/process/http_request.h"
#include "tests/support/process/wait_until.h"

namespace ace::stress {
namespace {

// `user`: as root it would serve as somebody who may not look into the directory.
constexpr const char* kSettings = R"(
{user}
daemon off;
worker_processes {workers};
pid nginx.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {{
    listen 127.0.0.1:{port} reuseport;
    root files;
    location = /ready {{ return 200 "ready"; }}
  }}
}}
)";

/// A bound socket that does not listen, so that the kernel gives it no connection: with
/// SO_REUSEPORT, nginx can listen there, and nobody else is given the port meanwhile.
UniqueFd reserve_port() {
  UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error{"no port for nginx"};
  }
  return fd;
}

std::uint16_t port_of(const UniqueFd& fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace

FileServer::FileServer(unsigned workers) : reserved_{reserve_port()}, port_{port_of(reserved_)} {
  std::filesystem::create_directory(dir_.path() / "files");
  const auto settings = dir_.file("nginx.conf");
  std::ofstream{settings} << fmt::format(kSettings,
                                         fmt::arg("user", ::geteuid() == 0 ? "user root;" : ""),
                                         fmt::arg("workers", workers), fmt::arg("port", port_));
  test::ChildOptions options;
  options.arguments = {"-p", dir_.path().string(), "-c", settings, "-e", "stderr"};
  process_ = std::make_unique<test::ChildProcess>("nginx", "/usr/sbin/nginx", options);
  const auto serves = [&] { return test::http_request(port_, "GET", "/ready").status == 200; };
  if (!test::wait_until([&] { return !process_->is_alive() || serves(); },
                        std::chrono::seconds{10}) ||
      !process_->is_alive()) {
    throw std::runtime_error{"nginx does not serve, its log:\n" + process_->log()};
  }
}

std::string FileServer::add_file(const std::string& name, std::size_t size) const {
  std::ofstream{dir_.path() / "files" / name} << std::string(size, 'x');
  return "/" + name;
}

}  // namespace ace::stress
