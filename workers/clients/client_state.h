#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "shared/base/unique_fd.h"
#include "workers/streams/window/chunk_window.h"

namespace ace::clients {

/// How far an answer has come.
enum class ClientPhase : std::uint8_t {
  Waiting,  ///< nothing was sent
  Feeding,
  Finishing,   ///< the rest, then the end
  HalfClosed,  ///< ended on our side
  Gone,
};

/// Why a client does not send what there is for it.
enum class ClientPause : std::uint8_t {
  None,
  Socket,   ///< its buffer is full
  Archive,  ///< the next chunk is being read back
  Rate,     ///< it has had what its rate allows
};

/// How a client keeps up.
struct ClientPace {
  std::chrono::milliseconds lag{};     ///< behind the newest chunk
  std::chrono::milliseconds wanted{};  ///< the part of `lag` that is a requested delay
  ClientPause pause{ClientPause::None};
};

/// Where in the stream a client wants to begin, and to stay.
struct JoinPlace {
  std::chrono::milliseconds burst{};  ///< of media, at once
  std::chrono::milliseconds delay{};  ///< behind live; 0: as near to it as the burst allows
  bool waits{};  ///< begin with the next on_media(), not with what is in the window so far
};

/// The state of a client that another worker will continue.
struct ClientRemains {
  UniqueFd socket;
  streams::WindowPosition next;     ///< the chunk after what is owed
  std::string owed;                 ///< the rest of a chunk that it got in part
  bool has_missed{};                ///< chunks before `next` are lost to it: a jump is due
  std::chrono::nanoseconds hold{};  ///< media that is younger has to wait
};

}  // namespace ace::clients
