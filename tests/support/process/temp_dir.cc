#include "tests/support/process/temp_dir.h"

#include <stdlib.h>

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace ace::test {

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "ace-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw std::system_error{errno, std::generic_category(), "mkdtemp " + pattern};
  }
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;  // a process that is still dying may write one more file
  std::filesystem::remove_all(path_, ignored);
}

std::string read_text_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

}  // namespace ace::test
