#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace ace::sim {

/// What was done for one stream.
struct StreamCounts {
  std::uint64_t opened{};
  std::uint64_t alive{};
  std::uint64_t max_alive{};
  std::uint64_t bytes_sent{};
  std::set<std::string> ids;  ///< by which it was asked for: content ids, infohash
};

/// Counts sessions per infohash, of one engine or of all together.
class StreamLedger {
 public:
  void opened(const std::string& infohash, const std::string& asked_id);
  void ended(const std::string& infohash);
  void asked(const std::string& infohash, const std::string& asked_id);
  void sent(const std::string& infohash, std::uint64_t bytes);

  [[nodiscard]] const std::map<std::string, StreamCounts>& streams() const { return streams_; }
  /// Of all streams together.
  [[nodiscard]] const StreamCounts& total() const { return total_; }

 private:
  std::map<std::string, StreamCounts> streams_;
  StreamCounts total_;
};

}  // namespace ace::sim
