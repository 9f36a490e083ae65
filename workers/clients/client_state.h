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
  std::chrono::milliseconds lag{};  ///< behind the newest chunk
  /// The part of `lag`, beyond the join burst, that is a requested delay, or how far back the
  /// client had to begin.
  std::chrono::milliseconds wanted{};
  ClientPause pause{ClientPause::None};
};

/// What a client may begin with that has got nothing yet.
enum class Opening : std::uint8_t {
  Nothing,       ///< it waits for the next on_media()
  RandomAccess,  ///< a random access point: more media follow at once
  Live,          ///< the same; a client that has waited too long begins with the newest chunk
  Anything,      ///< whatever the window holds: the stream begins here
};

/// Where in the stream a client wants to begin, and to stay.
struct JoinPlace {
  std::chrono::milliseconds burst{};  ///< of media, at once
  std::chrono::milliseconds delay{};  ///< behind live; 0: as near to it as the burst allows
  Opening opening{Opening::Anything};
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
