#include "shared/redis/chunk_link.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "shared/redis/resp_writer.h"
#include "shared/redis/socket.h"

namespace ace::redis {
namespace {

/// Enough for a turn's pipeline of 32 chunks in one call.
constexpr std::size_t kPiecesPerWrite = 32;
/// Between them the loop's other descriptors get their turn.
constexpr int kReadsPerTurn = 8;

iovec to_iovec(ByteSpan bytes) {
  // sendmsg takes the same struct as recvmsg and only reads.
  return {.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
}

}  // namespace

Result<std::shared_ptr<ChunkLink>> ChunkLink::open(loop::Loop& loop, const Address& address,
                                                   Listener& listener) {
  auto fd = begin_connect(address);
  if (!fd) return fail(std::move(fd).error());
  std::shared_ptr<ChunkLink> link{new ChunkLink{loop, listener, std::move(*fd)}};
  link->watcher_ = std::make_unique<loop::FdWatcher>(
      loop, link->fd_.get(), [weak = std::weak_ptr{link}](loop::FdEvents events) {
        if (const auto self = weak.lock()) self->on_ready(events);
      });
  link->watcher_->watch(false, true);
  return link;
}

ChunkLink::ChunkLink(loop::Loop& loop, Listener& listener, UniqueFd fd)
    : loop_{loop}, listener_{&listener}, fd_{std::move(fd)} {}

void ChunkLink::close() {
  listener_ = nullptr;
  watcher_.reset();
  fd_.reset();
  out_.clear();
}

void ChunkLink::on_ready(loop::FdEvents events) {
  if (!is_connected_) return finish_connect();
  if (events.readable || events.failed) receive();
  if (listener_ != nullptr && (events.writable || events.failed)) {
    if (std::exchange(is_blocked_, false)) listener_->on_link_progress();
    flush();
  }
}

void ChunkLink::finish_connect() {
  if (auto outcome = connect_outcome(fd_.get()); !outcome) {
    return lose(std::move(outcome).error());
  }
  is_connected_ = true;
  watcher_->watch(true, false);
  listener_->on_link_connected();
}

std::string& ChunkLink::text() {
  if (out_.empty() || !out_.back().payload.empty()) out_.emplace_back();
  return out_.back().text;
}

void ChunkLink::send(const Args& args) {
  append_command(text(), args);
  commanded(nullptr);
}

void ChunkLink::set(const std::string& key, std::chrono::milliseconds ttl,
                    std::shared_ptr<const void> owner, ByteSpan payload) {
  auto& head = text();
  append_command_head(head, 5);
  append_word(head, "SET");
  append_word(head, key);
  append_word_head(head, payload.size());
  out_.back().payload = payload;
  out_.back().owner = std::move(owner);
  auto& tail = text();
  tail += "\r\n";
  append_word(tail, "PX");
  append_word(tail, std::to_string(ttl.count()));
  commanded(nullptr);
}

void ChunkLink::get(const std::string& key, ChunkPipe::Allocator allocate) {
  append_command(text(), {"GET", key});
  commanded(std::move(allocate));
}

void ChunkLink::commanded(ChunkPipe::Allocator allocate) {
  asked_.push_back(std::move(allocate));
  if (std::exchange(is_flush_due_, true)) return;
  loop_.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->is_flush_due_ = false;
    if (!self->is_blocked_) self->flush();
  });
}

void ChunkLink::flush() {
  while (listener_ != nullptr && !out_.empty()) {
    const auto size = write_some();
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno != EAGAIN) {
      return lose({Errc::Closed, Error::from_errno("write", errno).text});
    }
    if (size < 0) {
      is_blocked_ = true;
      return watcher_->watch(true, true);
    }
    written(static_cast<std::size_t>(size));
  }
  if (watcher_) watcher_->watch(true, false);
}

ssize_t ChunkLink::write_some() {
  std::array<iovec, 2 * kPiecesPerWrite> parts{};
  std::size_t count{};
  std::size_t skip = front_written_;
  for (const auto& piece : out_) {
    if (count + 2 > parts.size()) break;
    for (const auto bytes : {as_bytes(piece.text), piece.payload}) {
      const auto skipped = std::min(skip, bytes.size());
      skip -= skipped;
      if (skipped < bytes.size()) parts.at(count++) = to_iovec(bytes.subspan(skipped));
    }
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  return ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
}

void ChunkLink::written(std::size_t size) {
  front_written_ += size;
  while (!out_.empty() && front_written_ >= out_.front().size()) {
    front_written_ -= out_.front().size();
    out_.pop_front();
  }
}

void ChunkLink::receive() {
  for (int turn = 0; turn < kReadsPerTurn; ++turn) {
    const auto space = reader_.space();
    const std::array<iovec, 2> parts{to_iovec(space[0]), to_iovec(space[1])};
    const auto size = ::readv(fd_.get(), parts.data(), static_cast<int>(parts.size()));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) break;
    if (size < 0) return lose({Errc::Closed, Error::from_errno("read", errno).text});
    if (size == 0) return lose({Errc::Closed, "redis closed the connection"});
    reader_.filled(static_cast<std::size_t>(size));
    listener_->on_link_progress();
    if (!tell_answers()) return;
    if (static_cast<std::size_t>(size) < space[0].size() + space[1].size()) break;  // all there was
  }
  // libuv stops watching after an error that turned out to be none.
  watcher_->watch(true, is_blocked_);
}

bool ChunkLink::tell_answers() {
  const RespReader::Place place = [this](std::size_t size) -> std::optional<std::span<std::byte>> {
    if (asked_.empty() || !asked_.front()) return std::nullopt;
    return asked_.front()(size);
  };
  while (true) {
    auto answer = reader_.next(place);
    if (listener_ == nullptr) return false;  // an allocator let go of the connection
    if (!answer) {
      lose(std::move(answer).error());
      return false;
    }
    if (!*answer) return true;
    const bool is_value = !asked_.empty() && asked_.front();
    if (!asked_.empty()) asked_.pop_front();
    listener_->on_link_reply(is_value ? value_answer(std::move(**answer))
                                      : std::move((*answer)->reply));
    if (listener_ == nullptr) return false;
  }
}

Result<Reply> ChunkLink::value_answer(RespReader::Answer answer) {
  using Kind = RespReader::Answer::Kind;
  if (answer.kind == Kind::Placed) {
    return Reply{.kind = Reply::Kind::Integer,
                 .integer = static_cast<std::int64_t>(answer.size),
                 .text = {},
                 .elements = {}};
  }
  if (answer.kind == Kind::Refused) {
    return fail(Errc::TooLarge, fmt::format("a value of {} bytes", answer.size));
  }
  if (answer.reply && !answer.reply->is_nil()) {
    return fail(Errc::Protocol, "an answer to GET that is not a string");
  }
  return std::move(answer.reply);
}

void ChunkLink::lose(Error why) {
  auto* const listener = listener_;
  close();
  if (listener != nullptr) listener->on_link_lost(std::move(why));
}

}  // namespace ace::redis
