#include "shared/log/line_output.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "tests/support/process/temp_dir.h"

using ace::UniqueFd;
using ace::log::LineOutput;

namespace {

std::string content(const std::string& path) {
  std::ifstream in{path};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Standard output leads elsewhere for as long as this lives.
class Redirected {
 public:
  explicit Redirected(int to) : before_{::dup(STDOUT_FILENO)} { ::dup2(to, STDOUT_FILENO); }
  ~Redirected() { ::dup2(before_.get(), STDOUT_FILENO); }
  Redirected(const Redirected&) = delete;
  Redirected& operator=(const Redirected&) = delete;

 private:
  UniqueFd before_;
};

/// Writes numbered lines until one is not taken; returns how many were.
int fill(LineOutput& output, int most = 100'000) {
  for (int i = 0; i < most; ++i) {
    if (!output.write(std::string(99, 'x') + "\n")) return i;
  }
  return most;
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto size = ::read(fd, buffer.data(), buffer.size());
    if (size <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

/// Nobody reads the other end: what is not taken is dropped; what was is whole when somebody does.
void check_blocked(int write_end, int read_end) {
  ::fcntl(read_end, F_SETFL, O_NONBLOCK);
  LineOutput output{LineOutput::Standard::Error};
  std::string first;
  int taken = 0;
  {
    const Redirected redirected{write_end};
    output = LineOutput{LineOutput::Standard::Output};
    taken = fill(output);
  }
  CHECK(taken > 0);
  CHECK(taken < 100'000);
  CHECK(output.dropped() == 1);
  first = read_all(read_end);
  {
    const Redirected redirected{write_end};
    CHECK(output.write("the end\n"));
  }
  const auto all = first + read_all(read_end);
  std::istringstream lines{all};
  int whole = 0;
  for (std::string line; std::getline(lines, line) && line != "the end";) {
    CHECK(line.size() == 99);
    ++whole;
  }
  CHECK(whole == taken);
}

}  // namespace

TEST_CASE("a pipe that nobody reads blocks nobody", "[line_output]") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const UniqueFd read_end{ends[0]};
  const UniqueFd write_end{ends[1]};
  check_blocked(write_end.get(), read_end.get());
  // The flag is the open file's: who shares it with us would not expect it.
  CHECK((::fcntl(write_end.get(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("a socket that nobody reads, as the journal's, blocks nobody", "[line_output]") {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const UniqueFd read_end{ends[0]};
  const UniqueFd write_end{ends[1]};
  check_blocked(write_end.get(), read_end.get());
  CHECK((::fcntl(write_end.get(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("a full disk loses lines and nothing else", "[line_output]") {
  LineOutput output{"/dev/full"};
  REQUIRE(output.is_open());
  CHECK_FALSE(output.write("a line\n"));
  CHECK_FALSE(output.write("another\n"));
  CHECK(output.dropped() == 2);
}

TEST_CASE("a file is opened again under its name", "[line_output]") {
  const ace::test::TempDir dir;
  const auto path = dir.file("log");
  LineOutput output{path};
  CHECK(output.write("one\n"));
  std::filesystem::rename(path, path + ".1");
  CHECK(output.write("two\n"));
  output.reopen();
  CHECK(output.write("three\n"));
  CHECK(content(path + ".1") == "one\ntwo\n");
  CHECK(content(path) == "three\n");
  CHECK((std::filesystem::status(path).permissions() & std::filesystem::perms::others_all) ==
        std::filesystem::perms::none);
}

TEST_CASE("a file that cannot be opened again stays the one it was", "[line_output]") {
  const ace::test::TempDir dir;
  const auto path = dir.file("log");
  LineOutput output{path};
  std::filesystem::rename(path, path + ".1");
  std::filesystem::create_directory(path);
  output.reopen();
  CHECK(output.error() == EISDIR);
  CHECK(output.write("still\n"));
  CHECK(content(path + ".1") == "still\n");
  CHECK_FALSE(LineOutput{path}.is_open());
}

TEST_CASE("processes that share a file with a bound lose no line of the last two files",
          "[line_output]") {
  const ace::test::TempDir dir;
  const auto path = dir.file("shared");
  constexpr std::uint64_t kMost = 1000;
  std::array<LineOutput, 3> writers{LineOutput{path, kMost}, LineOutput{path, kMost},
                                    LineOutput{path, kMost}};
  constexpr int kLines = 100;
  for (int i = 0; i < kLines; ++i) {
    REQUIRE(writers.at(static_cast<std::size_t>(i) % 3)
                .write(std::to_string(1000 + i) + std::string(95, 'x') + "\n"));
  }
  const auto both = content(path + ".1") + content(path);
  CHECK(content(path).size() <= kMost + 300);
  CHECK(content(path + ".1").size() <= kMost + 300);
  // A row of the newest lines, none of them missing.
  const int first = std::stoi(both);
  CHECK(both.size() == static_cast<std::size_t>(1000 + kLines - first) * 100);
  for (int i = first; i < 1000 + kLines; ++i) {
    CHECK(both.find(std::to_string(i) + "x") == static_cast<std::size_t>(i - first) * 100);
  }
}

TEST_CASE("a full file that cannot be renamed takes no more", "[line_output]") {
  const ace::test::TempDir dir;
  const auto path = dir.file("log");
  LineOutput output{path, 150};
  std::filesystem::create_directories(path + ".1/in-the-way");
  CHECK(output.write(std::string(99, 'x') + "\n"));
  CHECK(output.write(std::string(99, 'x') + "\n"));
  CHECK_FALSE(output.write("no more\n"));
  CHECK(output.dropped() == 1);
  CHECK(content(path).size() == 200);
  std::filesystem::remove_all(path + ".1");
  CHECK(output.write("again\n"));
  CHECK(content(path) == "again\n");
}
