#include "shared/config/setting_kinds.h"
#include "shared/config/setting_tables.h"

namespace ace::config {
namespace {

Setting orchestrator_setting() {
  Setting setting =
      text({"Engines", "ACE_ORCHESTRATOR_URL", "",
            "An acestream-orchestrator whose engines are used; instead of the default engine."},
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
  all.push_back(address_list({"Engines", "ACE_ENGINES", "--engines",
                              "The AceStream engines; a comma list. After each, as wanted: ;name=… "
                              ";forwarded ;max_streams=N. dns:// in front: every address of the "
                              "name is an engine."},
                             "host:port with optional ;name=…;forwarded;max_streams=N",
                             at(&Config::engines), parse_engine_list));
  all.push_back(orchestrator_setting());
  all.push_back(
      duration({"Engines", "PROXY_ENGINE_REFRESH", "",
                "How often dns:// names are looked up again, and the orchestrator asked."},
               at(&Config::engine_refresh), 100ms, 1h));
  // The ancestor allowed 3. With one engine that refuses the fourth channel although the engine
  // would play it; only its owner knows what it can bear.
  all.push_back(count({"Engines", "MAX_STREAMS_PER_ENGINE", "",
                       "Most streams at a time on one engine that sets none itself. 0: no limit."},
                      at(&Config::max_streams_per_engine), 0, 10'000));
  all.push_back(duration(
      {"Engines", "PROXY_ENGINE_CONNECT_TIMEOUT", "", "Time for one TCP connect to an engine."},
      at(&Config::engine_connect_timeout), 50ms, 30s));
  all.push_back(duration(
      {"Engines", "PROXY_ENGINE_JSON_TIMEOUT", "", "Time for an engine's answer to a command."},
      at(&Config::engine_json_timeout), 500ms, 5min));
  all.push_back(duration({"Engines", "PROXY_ENGINE_FIRST_BYTE_TIMEOUT", "",
                          "Time for the first media of a new session."},
                         at(&Config::engine_first_byte_timeout), 500ms, 10min));
  all.push_back(duration({"Engines", "PROXY_ENGINE_ADOPT_TIMEOUT", "",
                          "Time for the first media of a session that the owner before left "
                          "running, and for what Redis has of it; then a new one is opened."},
                         at(&Config::engine_adopt_timeout), 100ms, 30s));
  all.push_back(duration({"Engines", "PROXY_ENGINE_SETTLE", "",
                          "Time between two starts of a stream on one engine. 0: none."},
                         at(&Config::engine_settle), 0ms, 5min));
  all.push_back(duration({"Engines", "PROXY_ENGINE_CHECK_INTERVAL", "",
                          "How often each engine is asked whether it is well."},
                         at(&Config::engine_check_interval), 100ms, 10min));
  all.push_back(duration({"Engines", "PROXY_CONNECTION_TIMEOUT", "",
                          "Silence after which a playing engine counts as unhealthy."},
                         at(&Config::connection_timeout), 500ms, 5min));
  all.push_back(duration({"Engines", "PROXY_GIVE_UP", "",
                          "How long a stream without media is tried to be brought back before its "
                          "viewers' answers end."},
                         at(&Config::give_up), 1s, 24h));
}

}  // namespace ace::config
