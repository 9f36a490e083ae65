#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "shared/base/clock.h"
#include "tests/engine_sim/connection.h"
#include "tests/engine_sim/faults.h"
#include "tests/engine_sim/session_table.h"

namespace ace::sim {

enum class BodyFraming { UntilClose, Chunked };

/// Feeds one session into the connection that reads it, with what the faults do to its bytes.
class Playback {
 public:
  Playback(Session& session, Connection& connection, BodyFraming framing, SteadyTime head_at)
      : session_{session}, connection_{connection}, framing_{framing}, head_at_{head_at} {}

  /// Sends the head when its time has come, then what is due. @returns bytes of the stream sent.
  std::uint64_t pump(SteadyTime now, Faults& faults);
  [[nodiscard]] const Connection& connection() const { return connection_; }
  /// When the first of its media was due, once its head is sent.
  [[nodiscard]] std::optional<SteadyTime> begun_at() const { return begun_at_; }

 private:
  void send_head(SteadyTime now, const Faults& faults);
  void spoil(std::string& bytes, Faults& faults);
  void fill_random(std::string& bytes, std::size_t from, std::size_t count);
  void send_body(const std::string& bytes);

  Session& session_;
  Connection& connection_;
  BodyFraming framing_;
  SteadyTime head_at_;
  std::optional<SteadyTime> begun_at_;
  std::size_t skip_{};                     ///< bytes that a misaligned start leaves out
  std::optional<std::mt19937_64> random_;  ///< once there is garbage
  std::string scratch_;
};

/// The head of a playback reply, also for a HEAD request.
[[nodiscard]] std::string playback_head(BodyFraming framing);

}  // namespace ace::sim
