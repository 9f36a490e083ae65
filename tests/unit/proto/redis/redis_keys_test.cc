#include "proto/redis/redis_keys.h"

#include <catch2/catch.hpp>

using namespace ace::proto;

TEST_CASE("keys are spelled as the seeds spell them", "[redis_keys]") {
  const std::string id(40, 'a');
  const StreamKeys keys{StreamId::parse(id).value()};
  const std::string stream = "ace_proxy:stream:" + id;
  CHECK(keys.metadata() == stream + ":metadata");
  CHECK(keys.owner() == stream + ":owner");
  CHECK(keys.buffer_index() == stream + ":buffer:index");
  CHECK(keys.chunk({17}) == stream + ":buffer:chunk:17");
  CHECK(keys.chunk_prefix() + "17" == keys.chunk({17}));
  CHECK(keys.stage({1763800000123}, {17}) == stream + ":buffer:stage:1763800000123:17");
  CHECK(keys.stage_prefix({1763800000123}) + "17" == keys.stage({1763800000123}, {17}));
  CHECK(keys.clients() == stream + ":clients");
  CHECK(keys.client({"00ff"}) == stream + ":clients:00ff");
  CHECK(keys.client_prefix() + "00ff" == keys.client({"00ff"}));
  CHECK(keys.last_client_disconnect_time() == stream + ":last_client_disconnect_time");
  CHECK(keys.aliases() == stream + ":aliases");
  CHECK(alias_key(StreamId::parse(id).value()) == "ace_proxy:alias:" + id);
  CHECK(alias_prefix() + id == "ace_proxy:alias:" + id);
  CHECK(stream_prefix() + id + ":owner" == keys.owner());
  CHECK(keys.events() == "ace_proxy:events:" + id);
  CHECK(active_streams_key() == "ace_proxy:streams");
}
