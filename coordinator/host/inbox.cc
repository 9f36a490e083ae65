#include "coordinator/host/inbox.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

namespace ace::host {
namespace {

constexpr std::size_t kMaxDescriptors = 2;

/// Room for the descriptors, aligned as the kernel wants it.
struct ControlBuffer {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxDescriptors * sizeof(int))> bytes{};
};

void attach(msghdr& header, ControlBuffer& control, std::span<const int> descriptors) {
  const std::size_t size = descriptors.size_bytes();
  header.msg_control = control.bytes.data();
  header.msg_controllen = CMSG_SPACE(size);
  cmsghdr* part = CMSG_FIRSTHDR(&header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(size);
  std::memcpy(CMSG_DATA(part), descriptors.data(), size);
}

void take_descriptors(msghdr& header, InboxMessage& message) {
  std::array<UniqueFd*, kMaxDescriptors> places{&message.descriptor, &message.attachment};
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count && i < kMaxDescriptors; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof(int), sizeof descriptor);
      places[i]->reset(descriptor);
    }
  }
}

}  // namespace

Result<InboxSockets> make_inbox() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return fail(Error::from_errno("socketpair", errno));
  }
  return InboxSockets{.receive = UniqueFd{ends[0]}, .send = UniqueFd{ends[1]}};
}

Status send_to_inbox(const InboxSockets& inbox, std::string_view message, int descriptor,
                     int attachment) {
  iovec part{.iov_base = const_cast<char*>(message.data()), .iov_len = message.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  ControlBuffer control;
  const std::array<int, kMaxDescriptors> descriptors{descriptor, attachment};
  const std::size_t count = descriptor < 0 ? 0 : attachment < 0 ? 1 : 2;
  if (count > 0) attach(header, control, std::span{descriptors}.first(count));
  while (::sendmsg(inbox.send.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    if (errno == EINTR) continue;
    // ETOOMANYREFS: the kernel holds as many descriptors in flight as it will for us.
    if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS) {
      return fail(Errc::Busy, "the inbox is full");
    }
    return fail(Error::from_errno("sendmsg to an inbox", errno));
  }
  return {};
}

Result<std::optional<InboxMessage>> receive_from_inbox(const InboxSockets& inbox) {
  InboxMessage message;
  message.bytes.resize(kMaxInboxMessage);
  iovec part{.iov_base = message.bytes.data(), .iov_len = message.bytes.size()};
  ControlBuffer control;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes.data();
  header.msg_controllen = control.bytes.size();
  ssize_t size = -1;
  do {
    size = ::recvmsg(inbox.receive.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0 && errno == EAGAIN) return std::nullopt;
  if (size < 0) return fail(Error::from_errno("recvmsg from an inbox", errno));
  message.bytes.resize(static_cast<std::size_t>(size));
  take_descriptors(header, message);
  return message;
}

}  // namespace ace::host
