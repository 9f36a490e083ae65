#include "shared/os/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace ace::os {
namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

}  // namespace

Result<UniqueFd> make_memory_file(std::span<const ByteSpan> parts) {
  UniqueFd file{::memfd_create("ace-proxy", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!file) return fail(Error::from_errno("memfd_create", errno));
  for (auto part : parts) {
    while (!part.empty()) {
      const ssize_t written = ::write(file.get(), part.data(), part.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return fail(Error::from_errno("write to memory", errno));
      part = part.subspan(static_cast<std::size_t>(written));
    }
  }
  if (::fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) {
    return fail(Error::from_errno("seal memory", errno));
  }
  return file;
}

Result<MappedFile> MappedFile::open(int fd) {
  const int seals = ::fcntl(fd, F_GET_SEALS);
  struct stat about {};
  if (seals < 0 || (seals & kSeals) != kSeals || ::fstat(fd, &about) != 0) {
    return fail(Errc::Protocol, "not a sealed memory file");
  }
  const auto size = static_cast<std::size_t>(about.st_size);
  if (size == 0) return MappedFile{{}};
  void* const memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  if (memory == MAP_FAILED) return fail(Error::from_errno("mmap", errno));
  return MappedFile{{static_cast<const std::byte*>(memory), size}};
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_{std::exchange(other.bytes_, {})} {}

MappedFile::~MappedFile() {
  if (bytes_.empty()) return;
  ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace ace::os
