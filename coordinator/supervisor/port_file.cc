#include "coordinator/supervisor/port_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace ace::supervisor {
namespace {

/// In a folder that others may write to, a link may lie where the file is to go: "x" follows none.
bool write_new(const std::string& path, const std::string& text) {
  unlink(path.c_str());
  std::FILE* const file = std::fopen(path.c_str(), "wxe");
  if (file == nullptr) return false;
  const bool is_written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  return std::fclose(file) == 0 && is_written;
}

}  // namespace

PortFile::~PortFile() {
  if (is_written_) unlink(path_.c_str());
}

Status PortFile::write(const std::vector<std::string>& addresses) {
  if (path_.empty()) return {};
  const std::string draft = fmt::format("{}.{}", path_, getpid());
  if (!write_new(draft, fmt::format("{}\n", fmt::join(addresses, "\n")))) {
    return fail(Error::from_errno("port file " + path_, errno));
  }
  if (std::rename(draft.c_str(), path_.c_str()) != 0) {
    const int error_number = errno;
    unlink(draft.c_str());
    return fail(Error::from_errno("port file " + path_, error_number));
  }
  is_written_ = true;
  return {};
}

}  // namespace ace::supervisor
