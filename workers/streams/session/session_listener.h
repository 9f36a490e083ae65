#pragma once

#include <optional>
#include <vector>

#include "workers/streams/session/viewers.h"

namespace ace::streams {

/// The keeper of a worker's sessions.
class SessionListener {
 public:
  virtual ~SessionListener() = default;
  /// The session is closed; called from within one of its methods. A new session may take its
  /// place, but this one must live until is_gone(), for viewers whose answers are ending. Called
  /// again when the last of those has left.
  virtual void on_stream_closed() = 0;
  /// `name`, a session's id, turned out to be the same content as `other`: these viewers, which
  /// have got nothing yet, watch `other`. Called from within a method of the session.
  virtual void on_other_name(const proto::StreamId& name, const proto::StreamId& other,
                             std::vector<NewViewer> viewers) = 0;
  /// The content is a film, which is not shared: the requests of these viewers, which have got
  /// nothing yet, are read again. `session`: the session that its engine has opened.
  virtual void on_film(const proto::StreamId& id, std::vector<NewViewer> viewers,
                       const std::optional<engines::SessionInfo>& session) = 0;
};

}  // namespace ace::streams
