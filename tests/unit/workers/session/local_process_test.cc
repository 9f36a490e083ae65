#include "workers/streams/session/local_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include <catch2/catch.hpp>

using ace::proto::WorkerId;
using ace::streams::is_dead_process_here;

namespace {

/// A pid that was a process of ours a moment ago.
pid_t ended_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return child;
}

const WorkerId kSelf{"tv:1"};

}  // namespace

TEST_CASE("a worker of this host whose process has ended is dead", "[local_process]") {
  CHECK(is_dead_process_here({"tv:" + std::to_string(ended_process())}, kSelf));
}

TEST_CASE("a living one is not, nor one that another host must judge", "[local_process]") {
  CHECK_FALSE(is_dead_process_here({"tv:" + std::to_string(::getpid())}, kSelf));
  CHECK_FALSE(is_dead_process_here({"radio:" + std::to_string(ended_process())}, kSelf));
}

TEST_CASE("what is no worker's name is not dead", "[local_process]") {
  for (const auto* name : {"", ":", "tv", "tv:", "tv:x", "tv:-1", "tv:0", ":77", "tv:1x"}) {
    CHECK_FALSE(is_dead_process_here({name}, kSelf));
  }
}
