#include "shared/redis/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <uv.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ace::redis {
namespace {

bool is_numeric(const std::string& host) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  return uv_ip4_addr(host.c_str(), 0, &v4) == 0 || uv_ip6_addr(host.c_str(), 0, &v6) == 0;
}

std::string numeric_name(const addrinfo& entry) {
  std::array<char, NI_MAXHOST> text{};
  // getnameinfo, not inet_ntop: it keeps the scope of a link-local address.
  const int failed = getnameinfo(entry.ai_addr, entry.ai_addrlen, text.data(),
                                 static_cast<socklen_t>(text.size()), nullptr, 0, NI_NUMERICHOST);
  return failed != 0 ? std::string{} : std::string{text.data()};
}

std::vector<Address> addresses_of(const addrinfo* entries, std::uint16_t port) {
  std::vector<Address> found;
  for (const addrinfo* entry = entries; entry != nullptr; entry = entry->ai_next) {
    auto ip = numeric_name(*entry);
    if (!ip.empty()) found.push_back({.path = {}, .ip = std::move(ip), .port = port});
  }
  return found;
}

tl::unexpected<Error> failure(const std::string& host, int status) {
  return fail(Errc::Unavailable, fmt::format("resolve {}: {}", host, uv_strerror(status)));
}

}  // namespace

std::string Address::describe() const {
  if (!path.empty()) return fmt::format("unix:{}", path);
  if (ip.find(':') != std::string::npos) return fmt::format("[{}]:{}", ip, port);
  return fmt::format("{}:{}", ip, port);
}

struct Resolver::Lookup {
  uv_getaddrinfo_t request{};
  std::string host;
  std::uint16_t port{};
  Resolver* asker{};  // null once nobody waits

  static void on_done(uv_getaddrinfo_t* request, int status, addrinfo* entries) noexcept {
    const std::unique_ptr<Lookup> self{static_cast<Lookup*>(request->data)};
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned{entries, uv_freeaddrinfo};
    if (self->asker == nullptr) return;
    self->asker->running_ = nullptr;
    if (status != 0) return self->asker->answer(failure(self->host, status));
    self->asker->answer(addresses_of(entries, self->port));
  }
};

Resolver::Resolver(loop::Loop& loop) : loop_{loop}, alive_{std::make_shared<Resolver*>(this)} {}

Resolver::~Resolver() {
  if (running_ == nullptr) return;
  running_->asker = nullptr;
  uv_cancel(reinterpret_cast<uv_req_t*>(&running_->request));
}

std::vector<Address> Resolver::literal(const Endpoint& endpoint) {
  if (!endpoint.socket.empty()) return {{.path = endpoint.socket, .ip = {}, .port = 0}};
  if (is_numeric(endpoint.host)) return {{.path = {}, .ip = endpoint.host, .port = endpoint.port}};
  return {};
}

void Resolver::lookup(const Endpoint& endpoint, Callback callback) {
  callback_ = std::move(callback);
  if (running_ != nullptr) return;
  auto lookup = std::make_unique<Lookup>();
  lookup->host = endpoint.host;
  lookup->port = endpoint.port;
  lookup->asker = this;
  lookup->request.data = lookup.get();
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  const int failed = uv_getaddrinfo(loop_.raw(), &lookup->request, &Lookup::on_done,
                                    lookup->host.c_str(), nullptr, &hints);
  if (failed == 0) {
    running_ = lookup.release();
    return;
  }
  loop_.post([weak = std::weak_ptr{alive_}, failed, host = endpoint.host] {
    if (const auto self = weak.lock()) (*self)->answer(failure(host, failed));
  });
}

void Resolver::answer(Result<std::vector<Address>> found) {
  // Another question may have taken over an answer that is on its way, and had it.
  if (const auto callback = std::exchange(callback_, nullptr)) callback(std::move(found));
}

}  // namespace ace::redis
