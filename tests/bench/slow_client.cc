#include "tests/bench/slow_client.h"

#include <stdexcept>
#include <string>

#include "tests/support/process/proxy_process.h"
#include "tests/support/process/sim_process.h"
#include "tests/support/redis/redis_server.h"
#include "tests/support/viewers/viewers.h"

namespace ace::bench {
namespace {

constexpr std::chrono::seconds kStartTimeout{20};

/// What a slow viewer's own kernel takes for it: little, so that it trails in the proxy.
constexpr int kSlowBuffer = 32'768;

}  // namespace

PacketAges measure_ages(const Load& load, int workers, Company company) {
  const test::RedisServer redis;
  const test::SimProcess sim{{.bitrate = load.bitrate}};
  const test::ProxyProcess proxy{{{"ACE_ENGINES", sim.engine_list()},
                                  {"REDIS_SOCKET", redis.endpoint().socket},
                                  {"PROXY_WORKERS", std::to_string(workers)}}};
  const auto target = "/ace/getstream?id=" + std::string(40, 'b');
  test::Viewers viewers{proxy.port()};
  if (company == Company::SlowClient) {
    test::ViewerOptions slow;
    slow.discard = true;  // its packets are old, and are not counted
    slow.read_limit = load.bitrate / 8 / 10;
    slow.receive_buffer = kSlowBuffer;
    viewers.open(1, target, slow);
  }
  test::ViewerOptions measured;
  measured.connect_spread = std::chrono::seconds{2};
  viewers.open(load.clients, target, measured);
  const auto all_served = [&] { return viewers.count_with_bytes(1) == viewers.size(); };
  if (!viewers.run_until(all_served, kStartTimeout)) {
    throw std::runtime_error{"not all clients were served"};
  }
  viewers.run_for(load.warm_up);
  viewers.restart_ages();
  viewers.run_for(load.measured);
  if (const auto faults = viewers.faults(); !faults.empty()) throw std::runtime_error{faults};
  return {.median = viewers.ages().percentile(0.5), .p99 = viewers.ages().percentile(0.99)};
}

}  // namespace ace::bench
