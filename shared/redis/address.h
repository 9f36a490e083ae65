#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/loop/loop.h"
#include "shared/redis/endpoint.h"

namespace ace::redis {

/// Something that connect() takes without asking anybody: a unix socket's path, or a numeric
/// address.
struct Address {
  std::string path;
  std::string ip;
  std::uint16_t port{};

  [[nodiscard]] std::string describe() const;
};

/// Finds the addresses of an endpoint on libuv's thread pool, for getaddrinfo blocks. One lookup at
/// a time: a question asked while another is under way takes over the answer of that one, so that
/// a name server that hangs is never asked by a growing heap of threads.
class Resolver {
 public:
  using Callback = std::function<void(Result<std::vector<Address>>)>;

  explicit Resolver(loop::Loop& loop);
  /// No callback comes any more.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// What needs no lookup, or an empty list.
  [[nodiscard]] static std::vector<Address> literal(const Endpoint& endpoint);
  /// Never answers before it has returned.
  void lookup(const Endpoint& endpoint, Callback callback);

 private:
  struct Lookup;

  void answer(Result<std::vector<Address>> found);

  loop::Loop& loop_;
  Callback callback_;
  Lookup* running_{};  // owns itself until libuv is done with it
  std::shared_ptr<Resolver*> alive_;
};

}  // namespace ace::redis
