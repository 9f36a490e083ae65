#include "coordinator/supervisor/control_channel.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace ace::supervisor {
namespace {

/// On the wire between two processes of one binary; padding is part of the declared layout.
struct Wire {
  std::uint8_t kind;
  std::array<std::uint8_t, 3> unused;
  std::uint32_t slot;
  std::uint32_t generation;
  std::int32_t pid;
};
static_assert(sizeof(Wire) == 16);

bool is_known(std::uint8_t kind) {
  switch (static_cast<ControlKind>(kind)) {
    case ControlKind::Ready:
    case ControlKind::Drain:
    case ControlKind::WorkerDied:
    case ControlKind::ReopenLogs:
      return true;
  }
  return false;
}

}  // namespace

Result<ControlChannel> make_control_channel() {
  std::array<int, 2> ends{};
  const int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
  if (socketpair(AF_UNIX, type, 0, ends.data()) != 0) {
    return fail(Error::from_errno("control channel", errno));
  }
  return ControlChannel{.supervisor = UniqueFd{ends[0]}, .worker = UniqueFd{ends[1]}};
}

Status send_control(int fd, ControlMessage message) {
  const Wire wire{.kind = static_cast<std::uint8_t>(message.kind),
                  .unused = {},
                  .slot = message.worker.slot,
                  .generation = message.worker.generation,
                  .pid = message.pid};
  const auto sent = send(fd, &wire, sizeof wire, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == static_cast<ssize_t>(sizeof wire)) return {};
  if (errno == EAGAIN || errno == ENOBUFS) return fail(Errc::Busy, "control channel is full");
  if (errno == EPIPE || errno == ECONNRESET) return fail(Errc::Closed, "control channel");
  return fail(Error::from_errno("control channel", errno));
}

Result<std::optional<ControlMessage>> receive_control(int fd) {
  Wire wire{};
  ssize_t got = 0;
  do {
    got = recv(fd, &wire, sizeof wire, MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) return std::nullopt;
  if (got == 0 || (got < 0 && errno == ECONNRESET)) return fail(Errc::Closed, "control channel");
  if (got < 0) return fail(Error::from_errno("control channel", errno));
  if (got != static_cast<ssize_t>(sizeof wire) || !is_known(wire.kind)) {
    return fail(Errc::Protocol, "control channel: a message of another kind");
  }
  return ControlMessage{.kind = static_cast<ControlKind>(wire.kind),
                        .worker = {.slot = wire.slot, .generation = wire.generation},
                        .pid = wire.pid};
}

}  // namespace ace::supervisor
