#pragma once

#include <span>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace ace::os {

/// A file that exists only as its descriptor, for bytes that pass to another process. It can never
/// be changed again.
[[nodiscard]] Result<UniqueFd> make_memory_file(std::span<const ByteSpan> parts);

/// The bytes of such a file, as another process made it, for as long as this lives.
class MappedFile {
 public:
  /// Protocol: it is not sealed, so that its bytes might go away under the reader.
  [[nodiscard]] static Result<MappedFile> open(int fd);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] ByteSpan bytes() const { return bytes_; }

 private:
  explicit MappedFile(ByteSpan bytes) : bytes_{bytes} {}
  ByteSpan bytes_;
};

}  // namespace ace::os
