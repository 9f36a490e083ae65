#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/host/engine_table.h"
#include "shared/base/clock.h"
#include "shared/loop/timer.h"
#include "shared/redis/address.h"
#include "workers/engines/engine_directory.h"

namespace ace::engines {

/// Engines behind names: every address of a name is an engine, and the names are looked up again
/// and again, so that engines may come and go; at once when one does not answer, for it may have
/// another address by now. While a name cannot be looked up, what was found
/// last stands.
class DnsWatch {
 public:
  /// What it works with; everything outlives it.
  struct Parts {
    loop::Loop& loop;
    loop::TimerFactory& timers;
    const Clock& clock;
    host::EngineTable& table;
    EngineDirectory& directory;
  };

  /// `names`: their hosts are looked up, the rest holds for each address.
  DnsWatch(Parts parts, std::vector<EngineAddress> names, std::chrono::milliseconds every);
  DnsWatch(const DnsWatch&) = delete;
  DnsWatch& operator=(const DnsWatch&) = delete;

  void stop();

 private:
  struct Name {
    EngineAddress engine;
    redis::Resolver resolver;
    std::vector<std::string> addresses;
    std::string complaint;  ///< the last one, to say each once

    Name(EngineAddress named, loop::Loop& loop) : engine{std::move(named)}, resolver{loop} {}
  };

  void look_up();
  void look_for_trouble();
  void on_found(Name& name, const Result<std::vector<redis::Address>>& found);

  Parts parts_;
  std::vector<std::unique_ptr<Name>> names_;
  std::unique_ptr<loop::Timer> timer_, trouble_;
  std::int64_t looked_up_at_ms_{};  ///< unix time
};

}  // namespace ace::engines
