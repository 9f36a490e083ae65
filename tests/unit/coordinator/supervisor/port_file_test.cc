#include "coordinator/supervisor/port_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <catch2/catch.hpp>

using ace::supervisor::PortFile;
namespace fs = std::filesystem;

namespace {

class Folder {
 public:
  Folder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_{"/tmp/ace-port-file-XXXXXX"};
};

std::string text_of(const std::string& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace

TEST_CASE("a port file has an address a line and goes with its owner", "[port_file]") {
  const Folder folder;
  {
    PortFile file{folder.file("ports")};
    REQUIRE(file.write({"127.0.0.1:8000", "[::1]:8000"}));
    CHECK(text_of(folder.file("ports")) == "127.0.0.1:8000\n[::1]:8000\n");
  }
  CHECK_FALSE(fs::exists(folder.file("ports")));
}

TEST_CASE("a port file does not follow a link that somebody planted", "[port_file]") {
  const Folder folder;
  std::ofstream{folder.file("precious")} << "precious";
  const auto link = GENERATE_COPY(as<std::string>{}, "ports", fmt::format("ports.{}", ::getpid()));
  fs::create_symlink(folder.file("precious"), folder.file(link));
  PortFile file{folder.file("ports")};
  REQUIRE(file.write({"127.0.0.1:8000"}));
  CHECK(text_of(folder.file("precious")) == "precious");
  CHECK(text_of(folder.file("ports")) == "127.0.0.1:8000\n");
}
