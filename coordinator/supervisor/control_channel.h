#pragma once

#include <cstdint>
#include <optional>

#include "coordinator/host/scoreboard.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace ace::supervisor {

enum class ControlKind : std::uint8_t {
  Ready = 'r',  ///< worker → supervisor, once: I accept connections
  Drain = 'd',  ///< supervisor → worker: take nothing new, hand what you have to `worker` (0:
                ///< nobody), leave when your viewers have
  WorkerDied = 'x',  ///< supervisor → worker: `worker` is gone, its streams are free
  ReopenLogs = 'l',  ///< supervisor → worker: the log file was rotated
};

struct ControlMessage {
  ControlKind kind{};
  host::WorkerRef worker;  ///< with Drain and WorkerDied
  std::int32_t pid{};      ///< with WorkerDied: its slot may have a new one by now
  bool operator==(const ControlMessage&) const = default;
};

/// The two ends of a control channel: messages stay whole, neither end ever blocks, and the end of
/// one process is an end of file for the other.
struct ControlChannel {
  UniqueFd supervisor;
  UniqueFd worker;
};
[[nodiscard]] Result<ControlChannel> make_control_channel();

/// Busy: the other side does not read. Closed: it is gone.
[[nodiscard]] Status send_control(int fd, ControlMessage message);
/// Nothing: no message waits. Closed: the other side is gone. Protocol: not one of ours.
[[nodiscard]] Result<std::optional<ControlMessage>> receive_control(int fd);

}  // namespace ace::supervisor
