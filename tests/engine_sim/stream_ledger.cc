#include "tests/engine_sim/stream_ledger.h"

#include <algorithm>

namespace ace::sim {

void StreamLedger::opened(const std::string& infohash, const std::string& asked_id) {
  asked(infohash, asked_id);
  for (auto* counts : {&streams_[infohash], &total_}) {
    ++counts->opened;
    ++counts->alive;
    counts->max_alive = std::max(counts->max_alive, counts->alive);
  }
}

void StreamLedger::ended(const std::string& infohash) {
  for (auto* counts : {&streams_[infohash], &total_}) --counts->alive;
}

void StreamLedger::asked(const std::string& infohash, const std::string& asked_id) {
  streams_[infohash].ids.insert(asked_id);
}

void StreamLedger::sent(const std::string& infohash, std::uint64_t bytes) {
  for (auto* counts : {&streams_[infohash], &total_}) counts->bytes_sent += bytes;
}

}  // namespace ace::sim
