#include "tests/support/process/nginx_process.h"

#include <charconv>
#include <fstream>
#include <stdexcept>

#include "tests/support/process/http_request.h"
#include "tests/support/process/wait_until.h"

namespace ace::test {
namespace {

// Its own limits and strictness are left as they come.
constexpr const char* kSettings = R"(
daemon off;
master_process off;
pid nginx.pid;
error_log stderr crit;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  # Who ends what it sends is answered at once. These meet only who has no turn meanwhile.
  client_header_timeout 15s;
  client_body_timeout 15s;
  lingering_time 1s;
  lingering_timeout 1s;
  keepalive_timeout 0;
  server {
    listen unix:nginx.sock;
    location / { return 200 "taken"; }
  }
}
)";

/// The status of a reply; 0 for none at all.
int status_of(const std::string& reply) {
  if (reply.empty()) return 0;
  // To what it takes for HTTP/0.9, nginx answers without a head: a page that names the status.
  const std::string_view mark = reply.starts_with("HTTP/") ? " " : "<title>";
  const auto at = reply.find(mark);
  if (at == std::string::npos) return 200;
  int status = 0;
  std::from_chars(reply.data() + at + mark.size(), reply.data() + reply.size(), status);
  return status;
}

}  // namespace

NginxProcess::NginxProcess() {
  const auto settings = dir_.file("nginx.conf");
  std::string text{kSettings};
  const std::string name = "unix:nginx.sock";
  text.replace(text.find(name), name.size(), "unix:" + socket());
  std::ofstream{settings} << text;
  ChildOptions options;
  // Debian's place for it, which is not in everybody's PATH.
  options.arguments = {"-p", dir_.path().string(), "-c", settings, "-e", "stderr"};
  process_ = std::make_unique<ChildProcess>("nginx", "/usr/sbin/nginx", options);
  const bool serves = wait_until([&] { return !process_->is_alive() || connect_unix(socket()); },
                                 std::chrono::seconds{10});
  if (!serves || !process_->is_alive()) {
    throw std::runtime_error{"nginx does not serve, its log:\n" + process_->log()};
  }
}

bool NginxProcess::refuses(std::string_view bytes) const {
  const auto reply =
      exchange(connect_unix(socket()), bytes, std::chrono::seconds{20}, AfterSending::End);
  if (!reply.is_closed) throw std::runtime_error{"nginx does not answer"};
  const auto status = status_of(reply.bytes);
  return status == 0 || status >= 400;
}

}  // namespace ace::test
