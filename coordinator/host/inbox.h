#pragma once

#include <optional>
#include <string>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace ace::host {

/// One slot's inbox: whole messages, each perhaps with descriptors (SCM_RIGHTS). Every process of
/// the host can send; the slot's worker receives. Both ends are kept by the supervisor, so that
/// what is on its way survives a worker.
struct InboxSockets {
  UniqueFd receive;
  UniqueFd send;
};

/// Largest message: a request's head and what goes with it.
inline constexpr std::size_t kMaxInboxMessage = 64U << 10U;

struct InboxMessage {
  std::string bytes;
  UniqueFd descriptor;  ///< empty when none came along
  UniqueFd attachment;  ///< a memory file with what is too large for a message
};

[[nodiscard]] Result<InboxSockets> make_inbox();

/// Never blocks. Busy: the inbox is full just now. The descriptors (or -1) stay the caller's; an
/// attachment only goes along with a descriptor.
[[nodiscard]] Status send_to_inbox(const InboxSockets& inbox, std::string_view message,
                                   int descriptor, int attachment = -1);
/// Never blocks; nothing when the inbox is empty.
[[nodiscard]] Result<std::optional<InboxMessage>> receive_from_inbox(const InboxSockets& inbox);

}  // namespace ace::host
