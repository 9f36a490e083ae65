#pragma once

#include <optional>
#include <vector>

#include "workers/streams/session/viewers.h"

namespace ace::streams {

/// Who keeps the sessions of a worker.
class SessionListener {
 public:
  virtual ~SessionListener() = default;
  /// Closed, within a method of the session: another one may take its place, but this one lives
  /// until is_gone(), for viewers that still get their rest. Again when the last of those has left.
  virtual void on_stream_closed() = 0;
  /// `name`, a session's id, turned out to be the same content as `other`: these viewers, who have
  /// got nothing yet, watch that. Within a method of the session.
  virtual void on_other_name(const proto::StreamId& name, const proto::StreamId& other,
                             std::vector<NewViewer> viewers) = 0;
  /// It is a film, which is not shared: these viewers, who have got nothing yet, ask anew.
  /// `session`: what its engine opened for it.
  virtual void on_film(const proto::StreamId& id, std::vector<NewViewer> viewers,
                       const std::optional<engines::SessionInfo>& session) = 0;
};

}  // namespace ace::streams
