#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/curl/transfer.h"
#include "shared/loop/timer.h"

namespace ace::curl {

/// Bounds of a small answer. The deadline covers everything from the start to the last byte.
struct FetchLimits {
  std::size_t bytes{256U << 10U};
  std::chrono::milliseconds deadline{15000};
};

struct Answer {
  int status{};
  std::string location;
  std::string body;
  std::string peer{};  ///< as ResponseHead has it
};

/// One small GET: the whole answer, or why there is none (TooLarge and Timeout are ours). Any
/// status is an answer. Destroying it aborts without a callback.
class Fetch final : private Transfer::Listener {
 public:
  /// Called once, never while the constructor runs; may destroy the fetch.
  using Callback = std::function<void(Result<Answer>)>;

  Fetch(Multi& multi, loop::TimerFactory& timers, const Request& request, FetchLimits limits,
        Callback callback);
  ~Fetch() override = default;
  Fetch(const Fetch&) = delete;
  Fetch& operator=(const Fetch&) = delete;

  /// How far it came; also valid inside the callback.
  [[nodiscard]] Phase phase() const;

 private:
  void on_headers(const ResponseHead& head) override;
  Flow on_bytes(ByteSpan bytes) override;
  void on_done(const Outcome& outcome) override;
  void finish(Result<Answer> result);

  FetchLimits limits_;
  Callback callback_;
  Answer answer_;
  Phase reached_{Phase::Connecting};
  std::unique_ptr<loop::Timer> deadline_;
  std::unique_ptr<Transfer> transfer_;
};

}  // namespace ace::curl
