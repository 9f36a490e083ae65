#pragma once

#include <cstdint>
#include <string>

#include "tests/engine_sim/connection.h"
#include "tests/engine_sim/faults.h"

namespace ace::sim {

/// The bytes of a film: a pure function of infohash and offset, so that every part of it can be
/// checked wherever it came from.
void film_bytes(const std::string& infohash, std::uint64_t offset, std::size_t count,
                std::string& out);

/// The answer to one request for a film: a head with its length, and the part that was asked for,
/// as fast as it is read.
class FilmPlayback {
 public:
  /// `range`: the request's header, empty without one. Sends the head.
  FilmPlayback(std::string infohash, Connection& connection, const Faults& faults,
               const std::string& range);

  /// @returns bytes of the film that were sent.
  std::uint64_t pump(const Faults& faults);
  [[nodiscard]] const Connection& connection() const { return connection_; }

 private:
  std::string infohash_;
  Connection& connection_;
  std::uint64_t at_{};
  std::uint64_t end_{};
  bool is_over_{};
};

}  // namespace ace::sim
