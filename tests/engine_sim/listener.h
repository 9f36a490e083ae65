#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/loop/fd_watcher.h"

namespace ace::sim {

/// Accepts on one address. While closed, connections are refused but the port stays ours: a second,
/// bound socket that never listens holds it.
class Listener {
 public:
  using OnAccept = std::function<void(UniqueFd)>;

  Listener(loop::Loop& loop, OnAccept on_accept) : loop_{loop}, on_accept_{std::move(on_accept)} {}
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// `address` is an IPv4 "host:port"; port 0 lets the system choose.
  [[nodiscard]] Status bind(const std::string& address);
  [[nodiscard]] Status open();
  void close();
  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  void accept_all();

  loop::Loop& loop_;
  OnAccept on_accept_;
  std::string address_;
  UniqueFd reserved_;
  UniqueFd listening_;
  std::unique_ptr<loop::FdWatcher> watcher_;
};

}  // namespace ace::sim
