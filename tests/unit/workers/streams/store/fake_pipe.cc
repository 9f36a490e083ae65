#include "tests/unit/workers/streams/store/fake_pipe.h"

namespace ace::test {

Result<redis::Reply> FakePipe::commit(const std::vector<std::string>& keys,
                                      const std::vector<std::string>& args) {
  using enum proto::CommitCode;
  ++commits;
  if (std::stoull(args[1]) != epoch) return code(Refused);
  const auto first = std::stoull(args[2]);
  const auto last = std::stoull(args[3]);
  const bool is_skip = args[4] == "1";
  if (last > index) {
    if (first > index + 1 || (!is_skip && first != index + 1)) return code(OutOfOrder);
    if (args[7] != "0") {
      unlinks.emplace_back(std::stoull(args[7]), std::stoull(args[8]));
      for (auto i = unlinks.back().first; i <= unlinks.back().second; ++i) {
        values.erase(args[10] + std::to_string(i));
      }
    }
    if (!is_skip) {
      if (!values.contains(keys[3])) return code(Missing);
      values[keys[4]] = std::exchange(values[keys[3]], {});
      values.erase(keys[3]);
    }
    index = last;
  }
  if (lose_commits_from >= 0 && lose_commits_from-- == 0) {
    is_connected = false;
    return fail(Errc::Closed, "cut");
  }
  return code(Committed);
}

Result<redis::Reply> FakePipe::position(const std::vector<std::string>& args) const {
  auto first = index + 1;
  std::size_t bytes = 0;
  for (auto left = std::stoull(args[1]); left > 0 && first > 1; --left) {
    const auto chunk = values.find(args[0] + std::to_string(first - 1));
    if (chunk == values.end()) break;
    bytes += chunk->second.size();
    if (bytes > std::stoull(args[2])) break;
    --first;
  }
  return numbers({static_cast<std::int64_t>(epoch), static_cast<std::int64_t>(index),
                  static_cast<std::int64_t>(first)});
}

}  // namespace ace::test
