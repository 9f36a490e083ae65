#pragma once

#include <map>
#include <string>
#include <string_view>

#include "shared/base/result.h"

namespace ace::sim {

/// What an engine can be made to do wrong. The value's meaning stands behind the name.
enum class Fault {
  Refuse,        ///< new connections: "" or "close" not listening, "reset" accepted and reset
  Hang,          ///< getstream is never answered; "all": nothing is
  SlowJson,      ///< the getstream answer drips: bytes a second, 1 when empty
  ErrorJson,     ///< getstream answers this error text
  NoContent,     ///< an infohash that is no content id as well: id= of it is refused
  Http500,       ///< "" or "getstream", or "playback"
  Http404,       ///< likewise
  Redirect,      ///< "N" or "loop" on getstream, "playback:N" there, or a url to point to
  HangPlayback,  ///< the playback url never answers
  Stall,         ///< no more bytes, connections stay; a value names the only infohash it is for
  Cut,           ///< now, once: playback connections end; "reset": by a reset
  Garbage,       ///< random bytes in place of the stream, of a generator that a session begins with
                 ///< this seed: "seed:N", or another; "N": N of them, once, in between
  Misaligned,    ///< playback begins N bytes inside a packet, 1 when empty
  Split,         ///< many small writes of odd sizes
  Burst,         ///< playback begins this many seconds ago, all of that at once
  LieAddress,    ///< urls carry this host:port, 127.0.0.1:6878 when empty
  Encrypted,
  Vod,       ///< films instead of live streams; a value is their size in bytes
  NoRanges,  ///< a film's playback url knows no parts of it
  NoStatUrl,
  NoPeers,        ///< the stat url tells of nobody who sends
  StringNumbers,  ///< numbers in the getstream answer are strings
};

/// The faults of one engine, switched on and off while it runs.
class Faults {
 public:
  /// By the names of the HTTP API ("slow_json", …).
  [[nodiscard]] static Result<Fault> parse(std::string_view name);
  [[nodiscard]] static std::string_view name_of(Fault fault);

  void set(Fault fault, std::string value) { active_.insert_or_assign(fault, std::move(value)); }
  void clear(Fault fault) { active_.erase(fault); }
  void clear_all() { active_.clear(); }
  /// Its value while it is on, else null.
  [[nodiscard]] const std::string* find(Fault fault) const;
  [[nodiscard]] bool has(Fault fault) const { return find(fault) != nullptr; }
  /// Its value as a number; `otherwise` when it has none.
  [[nodiscard]] double number(Fault fault, double otherwise) const;
  [[nodiscard]] const std::map<Fault, std::string>& active() const { return active_; }

 private:
  std::map<Fault, std::string> active_;
};

}  // namespace ace::sim
