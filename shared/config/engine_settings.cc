#include "shared/config/setting_kinds.h"
#include "shared/config/setting_tables.h"

namespace ace::config {
namespace {

Setting orchestrator_setting() {
  Setting setting = text({"Engines", "ACE_ORCHESTRATOR_URL", "",
                          "Address of an acestream-orchestrator whose engines are used, instead of "
                          "the default engine."},
                         "url", at(&Config::orchestrator_url));
  setting.allowed = "http://host[:port][/path], without user and password";
  setting.set = [](Config& config, std::string_view value) -> Status {
    const auto url = trim(value);
    const auto is_bad = [](char c) {
      return static_cast<unsigned char>(c) <= ' ' || c == '@' || c == '?' || c == '#';
    };
    const bool is_http = url.starts_with("http://") && url.size() > 7 && url[7] != '/';
    if (!url.empty() && (!is_http || std::any_of(url.begin(), url.end(), is_bad))) {
      return not_allowed();
    }
    config.orchestrator_url = url;
    return {};
  };
  return setting;
}

}  // namespace

void add_engine_settings(std::vector<Setting>& all) {
  all.push_back(address_list(
      {"Engines", "ACE_ENGINES", "--engines",
       "The AceStream engines, separated by commas. Options may follow each: ;name=NAME, "
       ";forwarded (its P2P port is reachable from the internet: preferred), ;max_streams=N. "
       "dns://HOST:PORT uses every address that the name has."},
      "host:port with optional ;name=…;forwarded;max_streams=N", at(&Config::engines),
      parse_engine_list));
  all.push_back(orchestrator_setting());
  all.push_back(
      duration({"Engines", "PROXY_ENGINE_REFRESH", "",
                "Interval at which dns:// names are looked up and the orchestrator is asked."},
               at(&Config::engine_refresh), 100ms, 1h));
  // The ancestor allowed 3. With one engine that refuses the fourth channel although the engine
  // would play it; only its owner knows what it can bear.
  all.push_back(count(
      {"Engines", "MAX_STREAMS_PER_ENGINE", "",
       "Maximum number of streams on an engine that has no max_streams of its own. 0: no limit."},
      at(&Config::max_streams_per_engine), 0, 10'000));
  all.push_back(duration({"Engines", "PROXY_ENGINE_CONNECT_TIMEOUT", "",
                          "Time limit for one TCP connection attempt to an engine."},
                         at(&Config::engine_connect_timeout), 50ms, 30s));
  all.push_back(duration({"Engines", "PROXY_ENGINE_JSON_TIMEOUT", "",
                          "Time limit for an engine's answer to a command."},
                         at(&Config::engine_json_timeout), 500ms, 5min));
  all.push_back(duration({"Engines", "PROXY_ENGINE_FIRST_BYTE_TIMEOUT", "",
                          "Time limit for the first media of a new engine session."},
                         at(&Config::engine_first_byte_timeout), 500ms, 10min));
  all.push_back(duration({"Engines", "PROXY_START_TIMEOUT", "",
                          "Viewers of a new stream get an error if no media has come after this "
                          "time, however many engines are tried. After a quarter of it a second "
                          "engine is tried next to the first."},
                         at(&Config::start_timeout), 1s, 10min));
  all.push_back(
      duration({"Engines", "PROXY_ENGINE_ADOPT_TIMEOUT", "",
                "After a takeover, time limit for the first media of the previous owner's engine "
                "session, and for reading its chunks from Redis. Then a new session is opened."},
               at(&Config::engine_adopt_timeout), 100ms, 30s));
  all.push_back(duration({"Engines", "PROXY_ENGINE_SETTLE", "",
                          "Minimum time between two stream starts on one engine. 0: none."},
                         at(&Config::engine_settle), 0ms, 5min));
  all.push_back(duration({"Engines", "PROXY_ENGINE_CHECK_INTERVAL", "",
                          "Interval of the health check of each engine."},
                         at(&Config::engine_check_interval), 100ms, 10min));
  all.push_back(duration({"Engines", "PROXY_CONNECTION_TIMEOUT", "",
                          "Silence after which a playing engine counts as unhealthy."},
                         at(&Config::connection_timeout), 500ms, 5min));
  all.push_back(duration({"Engines", "PROXY_GIVE_UP", "",
                          "Time without media after which a stream ends for its viewers. Until "
                          "then engines are tried again."},
                         at(&Config::give_up), 1s, 24h));
}

}  // namespace ace::config
