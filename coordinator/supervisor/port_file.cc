#include "coordinator/supervisor/port_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>

namespace ace::supervisor {

PortFile::~PortFile() {
  if (is_written_) unlink(path_.c_str());
}

Status PortFile::write(const std::vector<std::string>& addresses) {
  if (path_.empty()) return {};
  const std::string draft = fmt::format("{}.{}", path_, getpid());
  {
    std::ofstream out{draft, std::ios::trunc};
    for (const auto& address : addresses) out << address << '\n';
    out.flush();
    if (!out) return fail(Error::from_errno("port file " + path_, errno));
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
