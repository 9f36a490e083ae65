#include "shared/log/log.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include <catch2/catch.hpp>

#include "shared/base/check.h"
#include "shared/base/unique_fd.h"
#include "shared/log/access_log.h"
#include "tests/support/process/temp_dir.h"

using namespace ace::log;
using ace::test::read_text_file;

namespace {

/// A log into files of its own, until the test ends.
class LogInFiles {
 public:
  explicit LogInFiles(Options options = {}) {
    options.file = file();
    options.process = "test";
    options.access = access_file();
    setup(options);
  }
  ~LogInFiles() { setup({}); }
  LogInFiles(const LogInFiles&) = delete;
  LogInFiles& operator=(const LogInFiles&) = delete;

  [[nodiscard]] std::string file() const { return dir_.file("log"); }
  [[nodiscard]] std::string access_file() const { return dir_.file("access"); }
  [[nodiscard]] std::ptrdiff_t lines() const {
    const auto text = read_text_file(file());
    return std::ranges::count(text, '\n');
  }

 private:
  ace::test::TempDir dir_;
};

AccessEntry from(const std::string& address) {
  AccessEntry entry;
  entry.address = address;
  return entry;
}

}  // namespace

TEST_CASE("a line tells when, how bad, who and what", "[log]") {
  const LogInFiles log;
  info("joined", "client={} agent={:?}", 7, "a\"b");
  const auto line = read_text_file(log.file());
  CHECK_THAT(line, Catch::Contains("Z info  test joined client=7 agent=\"a\\\"b\"\n"));
  debug("chunk", "never");
  CHECK(log.lines() == 1);
}

TEST_CASE("as json each field of a line is a member", "[log]") {
  Options options;
  options.format = Format::Json;
  const LogInFiles log{options};
  warn("joined", "client={} agent={:?}: at last", 7, "a\"b");
  const auto line = read_text_file(log.file());
  CHECK_THAT(line, Catch::StartsWith(R"({"ts":"20)"));
  CHECK_THAT(line, Catch::EndsWith(R"(Z","level":"warn","process":"test","event":"joined",)"
                                   R"("client":"7","agent":"a\"b","msg":"at last"})"
                                   "\n"));
}

TEST_CASE("of one kind of event so many lines are written, of others too", "[log]") {
  Options options;
  options.level = Level::Debug;
  options.most_alike = 2;
  const LogInFiles log{options};
  for (int i = 0; i < 5; ++i) warn("redis_down", "i={}", i);
  CHECK(log.lines() == 2);
  info("joined", "x");
  CHECK(log.lines() == 3);
  // Who asks for debug lines wants all of them.
  for (int i = 0; i < 5; ++i) debug("chunk", "i={}", i);
  CHECK(log.lines() == 8);
}

TEST_CASE("a level that is shared counts before one's own", "[log]") {
  // It must outlive the program's log.
  static std::atomic<Level> shared{Level::Warn};
  const LogInFiles log;
  CHECK(is_enabled(Level::Info));
  share_level(shared);
  CHECK_FALSE(is_enabled(Level::Info));
  shared = Level::Debug;
  CHECK(is_enabled(Level::Debug));
  set_level(Level::Info);
  CHECK(shared.load() == Level::Info);
  CHECK(level() == Level::Info);
}

TEST_CASE("no secret is in a line of either log", "[log]") {
  for (const auto format : {Format::Text, Format::Json}) {
    Options options;
    options.format = format;
    options.access_format = format == Format::Json ? AccessFormat::Json : AccessFormat::Combined;
    options.secrets = {"open-sesame"};
    const LogInFiles log{options};
    warn("refused", "url={:?} why=\"open-sesame\": open-sesame", "/a?x=%6fpen-sesame");
    auto entry = from("192.0.2.7");
    entry.request = "GET /a?x=open-sesame HTTP/1.1";
    entry.referer = "http://x/open%2Dsesame";
    entry.agent = "open-sesame";
    entry.request_id = "open-sesame";
    access(entry);
    for (const auto& text : {read_text_file(log.file()), read_text_file(log.access_file())}) {
      INFO(text);
      CHECK_THAT(text, Catch::Contains("***") && !Catch::Contains("sesame"));
    }
  }
}

TEST_CASE("a check that fails is a line of the log, in its format", "[log]") {
  const ace::test::TempDir dir;
  const auto child = ::fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    Options options;
    options.format = Format::Json;
    options.file = dir.file("log");
    options.process = "worker:0";
    setup(options);
    ACE_CHECK(dir.file("x").empty(), "a \"reason\"");
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT));
  const auto line = read_text_file(dir.file("log"));
  INFO(line);
  CHECK_THAT(line, Catch::StartsWith(R"({"ts":"20)") &&
                       Catch::Contains(
                           R"("level":"error","process":"worker:0",)"
                           R"~("event":"check_failed","condition":"dir.file(\"x\").empty()")~") &&
                       Catch::EndsWith("\"msg\":\"a \\\"reason\\\"\"}\n"));
}

TEST_CASE("an access log that is full is begun anew, the older one is kept", "[log]") {
  Options options;
  options.access_bytes = 200;
  const LogInFiles log{options};
  for (int i = 100; i < 110; ++i) access(from(std::to_string(i)));
  const auto now = read_text_file(log.access_file());
  const auto before = read_text_file(log.access_file() + ".1");
  CHECK(now.size() < 300);
  CHECK(before.size() < 300);
  CHECK_THAT(before, Catch::Contains("\n") && !Catch::Contains("100 - "));
  CHECK_THAT(now, Catch::Contains("109 - "));
  CHECK(dropped_lines() == 0);
}

TEST_CASE("both files are opened again under their names", "[log]") {
  const LogInFiles log;
  error("before", "x");
  access(from("before"));
  for (const auto& file : {log.file(), log.access_file()}) {
    std::filesystem::rename(file, file + ".1");
  }
  reopen();
  error("after", "x");
  access(from("after"));
  CHECK_THAT(read_text_file(log.file()), Catch::Contains("after") && !Catch::Contains("before"));
  CHECK_THAT(read_text_file(log.access_file()), Catch::StartsWith("after - "));
  CHECK_THAT(read_text_file(log.access_file() + ".1"), Catch::StartsWith("before - "));
}

TEST_CASE("a file that cannot be opened is told with its setting, where lines go", "[log]") {
  const ace::test::TempDir dir;
  Options options;
  options.format = Format::Json;
  options.file = dir.file("log");
  options.access = dir.file("nowhere/access");
  setup(options);
  CHECK_THAT(read_text_file(options.file),
             Catch::Contains(R"("level":"error")") &&
                 Catch::Contains(R"("event":"log_file_not_opened","setting":"PROXY_ACCESS_LOG")") &&
                 Catch::Contains(R"("file":")" + options.access) &&
                 Catch::Contains(R"("why":"No such file or directory")"));

  // The other one is told by standard error, which takes its place.
  const ace::UniqueFd before{::dup(STDERR_FILENO)};
  const auto errors = dir.file("stderr");
  const ace::UniqueFd after{::open(errors.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  ::dup2(after.get(), STDERR_FILENO);
  options.file = dir.file("nowhere/log");
  options.access = "off";
  setup(options);
  ::dup2(before.get(), STDERR_FILENO);
  std::filesystem::create_directory(dir.file("nowhere"));
  reopen();
  error("found", "x");
  CHECK_THAT(read_text_file(options.file), Catch::Contains(R"("event":"found")"));
  setup({});
  CHECK_THAT(read_text_file(errors), Catch::StartsWith(R"({"ts":)") &&
                                         Catch::Contains(R"("setting":"PROXY_LOG_FILE")") &&
                                         Catch::Contains(options.file));
}

TEST_CASE("lines that no disk takes are counted", "[log]") {
  const LogInFiles log;
  Options full;
  full.file = "/dev/full";
  setup(full);
  error("lost", "x");
  error("lost", "x");
  CHECK(dropped_lines() >= 2);
}
