#include "shared/config/load.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "shared/config/settings.h"
#include "shared/config/settings_text.h"

using namespace ace::config;
using Catch::Contains;
using namespace std::chrono_literals;

namespace {

/// A file of this test alone, gone with it.
class TempFile {
 public:
  explicit TempFile(const std::string& text) {
    const int fd = mkstemp(path_.data());
    REQUIRE(fd >= 0);
    close(fd);
    write(text);
  }
  ~TempFile() { std::remove(path_.c_str()); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  void write(const std::string& text) const { std::ofstream{path_} << text; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_{"/tmp/ace-config-XXXXXX"};
};

ace::Result<CommandLine> parsed(std::vector<const char*> words) {
  words.insert(words.begin(), "ace-proxy");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

Environment environment(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

ace::Result<Loaded> loaded(const std::vector<const char*>& words,
                           std::map<std::string, std::string> values = {}) {
  const auto line = parsed(words);
  REQUIRE(line);
  return load(*line, environment(std::move(values)));
}

}  // namespace

TEST_CASE("without any setting the documented defaults hold", "[config]") {
  const auto got = loaded({});
  REQUIRE(got);
  const Config& config = got->config;
  CHECK(config.listen.front().text() == ":8000");
  CHECK(config.engines.front().text() == "127.0.0.1:6878");
  CHECK(config.workers >= 1);
  CHECK(config.buffer_ttl == 60s);
  CHECK(config.buffer_chunk_size == 1742U * 188U);
  CHECK(config.lease == 6s);
  CHECK(config.redis.port == 6379);
  CHECK(got->origins.at("PROXY_LEASE") == "default");
}

TEST_CASE("a flag wins over the environment, the environment over the file", "[config]") {
  const TempFile file{"PROXY_WORKERS=3\nREDIS_DB=3\nREDIS_PORT=3333\n"};
  const auto got = loaded({"--config", file.path().c_str(), "--workers=5"},
                          {{"PROXY_WORKERS", "4"}, {"REDIS_DB", "4"}});
  REQUIRE(got);
  CHECK(got->config.workers == 5);
  CHECK(got->config.redis.db == 4);
  CHECK(got->config.redis.port == 3333);
  CHECK(got->origins.at("PROXY_WORKERS") == "flag --proxy-workers");
  CHECK(got->origins.at("REDIS_DB") == "environment REDIS_DB");
  CHECK(got->origins.at("REDIS_PORT") == "file " + file.path());
}

TEST_CASE("a host has the name it is given, else the system's", "[config]") {
  CHECK(loaded({})->config.host_name == system_host_name());
  CHECK(loaded({}, {{"PROXY_HOST_NAME", ""}})->config.host_name == system_host_name());
  CHECK(loaded({}, {{"PROXY_HOST_NAME", " tv-2.lan "}})->config.host_name == "tv-2.lan");
  // It stands in owner keys, in front of the last colon, and in headers.
  CHECK_FALSE(loaded({}, {{"PROXY_HOST_NAME", "tv:2"}}));
  CHECK_FALSE(loaded({}, {{"PROXY_HOST_NAME", "tv 2"}}));
  CHECK_FALSE(loaded({}, {{"PROXY_HOST_NAME", std::string(65, 'a')}}));
}

TEST_CASE("the environment can name the config file", "[config]") {
  const TempFile file{"PROXY_LEASE=9s\n"};
  const auto got = loaded({}, {{"PROXY_CONFIG", file.path()}});
  REQUIRE(got);
  CHECK(got->config.lease == 9s);
}

TEST_CASE("loading again reads the file again", "[config]") {
  const TempFile file{"PROXY_LEASE=9s\n"};
  const auto line = parsed({"--config", file.path().c_str()});
  REQUIRE(line);
  CHECK(load(*line, environment({}))->config.lease == 9s);
  file.write("PROXY_LEASE=8s\n");
  CHECK(load(*line, environment({}))->config.lease == 8s);
}

TEST_CASE("a wrong value names setting, value, source and what is allowed", "[config]") {
  const auto by_flag = loaded({"--workers", "99"});
  REQUIRE_FALSE(by_flag);
  CHECK(by_flag.error().text ==
        "PROXY_WORKERS=99 (from flag --proxy-workers): allowed: 1..32 or auto");
  const auto by_environment = loaded({}, {{"PROXY_BUFFER_TTL", "soon"}});
  REQUIRE_FALSE(by_environment);
  CHECK(by_environment.error().text ==
        "PROXY_BUFFER_TTL=soon (from environment PROXY_BUFFER_TTL): allowed: 5s..1h");
  const TempFile file{"ACE_ENGINES=nowhere\n"};
  const auto by_file = loaded({"--config", file.path().c_str()});
  REQUIRE_FALSE(by_file);
  CHECK_THAT(by_file.error().text, Contains("ACE_ENGINES=nowhere (from file " + file.path()));
}

TEST_CASE("a wrong secret is not shown", "[config]") {
  const auto got = loaded({}, {{"REDIS_PASSWORD", "ab\ncd"}});
  REQUIRE_FALSE(got);
  CHECK_THAT(got.error().text, Contains("REDIS_PASSWORD=***") && !Contains("cd"));
}

TEST_CASE("an unknown key in the file is refused with the one that was meant", "[config]") {
  const TempFile file{"PROXY_WORKRES=3\n"};
  const auto got = loaded({"--config", file.path().c_str()});
  REQUIRE_FALSE(got);
  CHECK(got.error().text == "unknown setting PROXY_WORKRES (from file " + file.path() +
                                "); did you mean PROXY_WORKERS?");
}

TEST_CASE("a key that stands twice in the file is refused", "[config]") {
  const TempFile file{"REDIS_DB=3\nREDIS_PORT=1\nredis-db=4\n"};
  const auto got = loaded({"--config", file.path().c_str()});
  REQUIRE_FALSE(got);
  CHECK_THAT(got.error().text, Contains("twice"));
}

TEST_CASE("a file that is not there is named", "[config]") {
  const auto got = loaded({"--config", "/proc/self/nowhere/ace.toml"});
  REQUIRE_FALSE(got);
  CHECK_THAT(got.error().text, Contains("/proc/self/nowhere/ace.toml") && Contains("No such file"));
}

TEST_CASE("a file that cannot be read to its end is refused, not taken for an empty one",
          "[config]") {
  const auto directory = loaded({"--config", "/tmp"});
  REQUIRE_FALSE(directory);
  CHECK(directory.error().text == "config file /tmp: cannot be read to its end: Is a directory");
  // It opens, and its first page holds nothing that could be read.
  CHECK_FALSE(loaded({}, {{"PROXY_CONFIG", "/proc/self/mem"}}));
  CHECK(loaded({"--config", "/dev/null"}));
}

TEST_CASE("an unknown flag is refused with the one that was meant", "[config]") {
  CHECK(parsed({"--workrs", "3"}).error().text == "unknown flag --workrs; did you mean --workers?");
  CHECK(parsed({"--proxy-lese=3"}).error().text ==
        "unknown flag --proxy-lese; did you mean --proxy-lease?");
  CHECK_THAT(parsed({"surprise"}).error().text, Contains("surprise"));
}

TEST_CASE("a flag without its value is refused", "[config]") {
  const auto line = parsed({"--workers"});
  REQUIRE_FALSE(line);
  CHECK_THAT(line.error().text, Contains("--proxy-workers"));
}

TEST_CASE("the last of two equal flags counts", "[config]") {
  CHECK(loaded({"--workers=2", "--proxy-workers=3"})->config.workers == 3);
}

TEST_CASE("actions are told apart", "[config]") {
  CHECK(parsed({})->action == Action::Run);
  CHECK(parsed({"--single-process"})->action == Action::RunSingleProcess);
  CHECK(parsed({"--check-config", "--workers=3"})->action == Action::CheckConfig);
  CHECK(parsed({"--print-config", "--help"})->action == Action::Help);
  CHECK(parsed({"--help-all"})->action == Action::HelpAll);
}

TEST_CASE("values that do not fit together are refused", "[config]") {
  CHECK_FALSE(loaded({"--proxy-join-burst=30s", "--proxy-buffer-ttl=20s"}));
  CHECK_FALSE(loaded({"--proxy-buffer-bytes=1MiB", "--proxy-buffer-chunk-size=1MiB"}));
  const auto text_of = [](const std::vector<const char*>& words) {
    const auto got = loaded(words);
    return got ? "" : got.error().text;
  };
  CHECK(text_of({"--redis-username=me"}) ==
        "REDIS_USERNAME=me (from flag --redis-username): needs REDIS_PASSWORD, which is not set");
  CHECK(text_of({"--proxy-api-protect-reads=true"}) ==
        "PROXY_API_PROTECT_READS=true (from flag --proxy-api-protect-reads): needs API_KEY, which "
        "is not set");
  CHECK(text_of({"--proxy-join-burst=30s", "--proxy-buffer-ttl=20s"}) ==
        "PROXY_JOIN_BURST=30s (from flag --proxy-join-burst): must not exceed "
        "PROXY_BUFFER_TTL=20s (from flag --proxy-buffer-ttl)");
}

TEST_CASE("an address to listen at stands there once", "[config]") {
  const auto twice = loaded({"--listen=a:1,b:1,a:1"});
  REQUIRE_FALSE(twice);
  CHECK_THAT(twice.error().text,
             Contains("PROXY_LISTEN=a:1,b:1,a:1 (from flag") && Contains("a:1 stands there twice"));
  CHECK_FALSE(loaded({"--listen=unix:/a,unix:/a"}));
  CHECK(loaded({"--listen=a:1,a:2,unix:/a,unix:/b"}));
  CHECK(loaded({"--listen=a:0,a:0"})->config.listen.size() == 2);  // two ports, of the kernel's
}

TEST_CASE("logs that cannot be written are named, and none is made by looking", "[config]") {
  const TempFile there{""};
  const auto why = [](const std::string& word) {
    const auto got = loaded({word.c_str()});
    REQUIRE(got);
    const auto fits = check_places(*got);
    return fits ? "" : fits.error().text;
  };
  CHECK(why("--log-file=" + there.path()).empty());
  CHECK(why("--proxy-access-log=" + there.path()).empty());
  CHECK(why("--proxy-access-log=stdout").empty());
  CHECK(why("--proxy-access-log=off").empty());
  const auto fresh = there.path() + ".new";
  CHECK(why("--log-file=" + fresh).empty());
  CHECK_FALSE(std::ifstream{fresh}.is_open());
  CHECK(why("--log-file=/tmp") ==
        "PROXY_LOG_FILE=/tmp (from flag --proxy-log-file): cannot be opened: Is a directory");
  CHECK_THAT(why("--proxy-access-log=/proc/self/nowhere/a"),
             Contains("PROXY_ACCESS_LOG=/proc/self/nowhere/a (from") && Contains("No such file"));
  CHECK_THAT(why("--log-file=" + there.path() + "/a"), Contains("Not a directory"));
}

TEST_CASE("chunk sizes are whole packets", "[config]") {
  CHECK(loaded({"--proxy-buffer-chunk-size=2000"})->config.buffer_chunk_size == 1880);
}

TEST_CASE("the printed config hides secrets and reads back as a config file", "[config]") {
  const auto got = loaded({"--workers=3", "--engines=a:1;forwarded,[::1]:2"},
                          {{"REDIS_PASSWORD", "hunter2"}, {"API_KEY", "sesame"}});
  REQUIRE(got);
  const auto printed = print_config(*got);
  CHECK_THAT(printed, !Contains("hunter2") && !Contains("sesame"));
  CHECK_THAT(printed, Contains("REDIS_PASSWORD = \"***\"  # environment REDIS_PASSWORD"));
  CHECK_THAT(printed, Contains("PROXY_WORKERS = \"3\"  # flag --proxy-workers"));
  const TempFile file{printed};
  const auto again = loaded({"--config", file.path().c_str()});
  REQUIRE(again);
  CHECK(again->config.engines == got->config.engines);
  CHECK(again->config.workers == 3);
}

TEST_CASE("every default is a value that its own setting accepts", "[config]") {
  const Config defaults;
  for (const auto& setting : settings()) {
    INFO(setting.key);
    Config config;
    CHECK((setting.default_text.empty() || setting.set(config, setting.default_text)));
    CHECK(setting.get(config) == setting.get(defaults));
  }
}

TEST_CASE("the environment file in deploy holds exactly the settings there are", "[config]") {
  std::ifstream in{ACE_ENV_FILE};
  std::ostringstream text;
  text << in.rdbuf();
  INFO("make it again with: ace-proxy --print-env-file > deploy/ace-proxy.env");
  CHECK(text.str() == env_file_text());
}

TEST_CASE("the environment file is a config file", "[config]") {
  std::string text = env_file_text();
  for (auto at = text.find("\n#"); at != std::string::npos; at = text.find("\n#", at + 1)) {
    if (text[at + 2] != ' ') text.erase(at + 1, 1);
  }
  const TempFile file{text};
  const auto got = loaded({"--config", file.path().c_str()});
  INFO((got ? "" : got.error().text));
  REQUIRE(got);
  CHECK(print_config(*got).find("default") == std::string::npos);
}

TEST_CASE("an orchestrator replaces the default engine, and no other", "[config]") {
  const auto alone = loaded({}, {{"ACE_ORCHESTRATOR_URL", "http://orchestrator:8000"}});
  REQUIRE(alone);
  CHECK(alone->config.orchestrator_url == "http://orchestrator:8000");
  CHECK(alone->config.engines.empty());
  const auto both = loaded(
      {}, {{"ACE_ORCHESTRATOR_URL", "http://orchestrator:8000/api"}, {"ACE_ENGINES", "a:1"}});
  REQUIRE(both);
  CHECK(both->config.engines.size() == 1);
  for (const auto* url : {"orchestrator:8000", "https://a", "http://", "http:///x", "http://u:p@a",
                          "http://a?b=c", "http://a b"}) {
    INFO(url);
    CHECK_FALSE(loaded({}, {{"ACE_ORCHESTRATOR_URL", url}}));
  }
}
