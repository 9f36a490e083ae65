#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "proto/ids.h"
#include "shared/base/result.h"
#include "workers/engines/engine_address.h"

namespace ace::engines {

/// Ids of engines that whoever asks does not want: it has tried them.
using ExcludedEngines = std::set<std::string, std::less<>>;

/// Why one engine did not deliver, or was not even asked.
struct EngineFailure {
  std::string engine_id;
  Error error;
};

/// Which engine plays the next stream, over all workers and hosts.
class EngineSelector {
 public:
  /// Busy when no engine has room but those excluded, NotFound when none is known.
  using Choice = std::function<void(Result<EngineAddress>)>;

  virtual ~EngineSelector() = default;

  /// Chooses for the stream and counts it there in one step, and nowhere else from then on: fewest
  /// streams first, then a forwarded port, then as listed. Full engines are left out; unhealthy
  /// ones, and for 10 s those that failed a session, are taken only where no other has room. The
  /// stream counts for as long as its owner renews its lease with that engine in its metadata.
  /// `callback` comes once, never from inside this call; but not at all when the stream is
  /// released, or chosen for again, first.
  virtual void choose(const proto::StreamId& stream, const ExcludedEngines& excluded,
                      Choice callback) = 0;
  /// When none could be chosen: of each engine but those that were tried, why. Draining, or full.
  [[nodiscard]] virtual std::vector<EngineFailure> refusals(const ExcludedEngines& tried) const = 0;
  /// None had room: streams that nobody watches are told to leave the engines that are full and not
  /// `excluded`. One of this host's, another one with each `attempt` (from 0); where it has none,
  /// or none of them went, those of other hosts. False: no engine is full, so there is nothing to
  /// wait for.
  virtual bool ask_for_room(const proto::StreamId& stream, const ExcludedEngines& excluded,
                            unsigned attempt) = 0;
  /// No engine plays the stream any more, for all that its owner knows.
  virtual void release(const proto::StreamId& stream) = 0;
  /// The stream is somebody else's by now: it counts on, and its owner says where.
  virtual void forget(const proto::StreamId& stream) = 0;
  /// A session there failed; `why` begins with engine and phase, as EngineSession tells it. What an
  /// engine refuses, and media that do not come, are the stream's fault, and only remembered.
  virtual void note_failure(const std::string& engine_id, const Error& why) = 0;
  /// A session there delivers.
  virtual void note_success(const std::string& engine_id) = 0;
};

}  // namespace ace::engines
