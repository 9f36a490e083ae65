#pragma once

#include <string>
#include <vector>

#include "shared/base/result.h"

namespace ace::supervisor {

/// Tells others where we listen, one address a line. It appears whole (by rename) and goes away
/// with the object.
class PortFile {
 public:
  /// @param path empty: no file is wanted.
  explicit PortFile(std::string path) : path_{std::move(path)} {}
  ~PortFile();
  PortFile(const PortFile&) = delete;
  PortFile& operator=(const PortFile&) = delete;

  [[nodiscard]] Status write(const std::vector<std::string>& addresses);

 private:
  std::string path_;
  bool is_written_{};
};

}  // namespace ace::supervisor
