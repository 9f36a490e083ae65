#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "shared/loop/timer.h"
#include "shared/redis/address.h"
#include "workers/engines/engine_directory.h"

namespace ace::engines {

/// Engines behind names: every address of a name is an engine, and the names are looked up again
/// and again, so that engines may come and go. While a name cannot be looked up, what was found
/// last stands.
class DnsWatch {
 public:
  /// `names`: their hosts are looked up, the rest holds for each address. References must outlive
  /// it.
  DnsWatch(loop::Loop& loop, loop::TimerFactory& timers, EngineDirectory& directory,
           std::vector<EngineAddress> names, std::chrono::milliseconds every);
  DnsWatch(const DnsWatch&) = delete;
  DnsWatch& operator=(const DnsWatch&) = delete;

  void stop() { timer_->stop(); }

 private:
  struct Name {
    EngineAddress engine;
    redis::Resolver resolver;
    std::vector<std::string> addresses;
    std::string complaint;  ///< the last one, to say each once

    Name(EngineAddress named, loop::Loop& loop) : engine{std::move(named)}, resolver{loop} {}
  };

  void look_up();
  void on_found(Name& name, const Result<std::vector<redis::Address>>& found);

  EngineDirectory& directory_;
  std::vector<std::unique_ptr<Name>> names_;
  std::unique_ptr<loop::Timer> timer_;
};

}  // namespace ace::engines
