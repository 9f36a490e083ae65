#pragma once

#include <array>
#include <csignal>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/host/host_memory.h"
#include "coordinator/supervisor/listen_socket.h"
#include "coordinator/supervisor/worker_slot.h"
#include "shared/base/result.h"

namespace ace::supervisor {

/// What a supervisor leaves to the program that its process becomes next: the numbers of the
/// descriptors that stay open across exec, and what it knows of its workers. A plain value.
struct Inheritance {
  /// A slot that is not empty.
  struct Worker {
    host::WorkerRef worker;
    SlotState state{SlotState::Starting};
    pid_t pid{};      ///< 0 while there is no process
    int control{-1};  ///< -1 when its worker closed it
    SteadyTime started;
    SteadyTime restart_at;
    milliseconds next_delay{};
    host::WorkerRef heir;  ///< while it drains
    bool operator==(const Worker&) const = default;
  };
  struct Inbox {
    int receive{-1};
    int send{-1};
    bool operator==(const Inbox&) const = default;
  };

  std::string program;               ///< absolute path
  std::string listen;                ///< the setting under which the sockets were made
  std::string port_file;             ///< likewise
  std::vector<int> blocked_signals;  ///< in the mask that workers are to have
  std::vector<ListenSocket::Record> sockets;
  int memory{-1};
  std::array<Inbox, host::kMaxSlots> inboxes{};
  std::vector<Worker> workers;

  [[nodiscard]] std::vector<int> descriptors() const;
  bool operator==(const Inheritance&) const = default;
};

/// Lines of words; the first names the layout of the host memory, too.
[[nodiscard]] std::string to_text(const Inheritance& inheritance);
/// Protocol, for people to read: of a program that this one cannot take over from, or cut short.
[[nodiscard]] Result<Inheritance> parse_inheritance(std::string_view text);

/// How a process comes by its inheritance.
enum class Role {
  Heir,   ///< it is the supervisor now
  Trial,  ///< a child that only finds out whether it could be
};
struct Bequest {
  Role role{Role::Heir};
  Inheritance inheritance;
};

/// An unnamed file with the text, close-on-exec.
[[nodiscard]] Result<UniqueFd> write_inheritance(const Inheritance& inheritance);
/// Tells whoever is executed next in this process where to find it.
void announce_inheritance(Role role, int fd);
void withdraw_inheritance();
/// Nothing: the program was started afresh. Takes the announcement out of the environment, so that
/// it goes no further, closes the file, and makes all descriptors close-on-exec.
[[nodiscard]] Result<std::optional<Bequest>> claim_inheritance();

enum class OnExec { Close, Keep };
void set_on_exec(const std::vector<int>& descriptors, OnExec what);

/// Signals as the inheritance has them.
[[nodiscard]] std::vector<int> members_of(const sigset_t& set);
[[nodiscard]] sigset_t set_of(const std::vector<int>& signals);

}  // namespace ace::supervisor
