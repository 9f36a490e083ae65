#pragma once

#include <filesystem>
#include <string>

namespace ace::test {

/// A private directory under the system's temporary one, removed with all it holds. Its path is
/// short enough for a unix socket inside it.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// The whole file as text; empty when it cannot be read.
[[nodiscard]] std::string read_text_file(const std::string& path);

}  // namespace ace::test
