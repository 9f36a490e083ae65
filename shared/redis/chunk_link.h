#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>

#include "shared/base/bytes.h"
#include "shared/base/unique_fd.h"
#include "shared/loop/fd_watcher.h"
#include "shared/loop/loop.h"
#include "shared/redis/chunk_connection.h"
#include "shared/redis/link.h"
#include "shared/redis/resp_reader.h"

namespace ace::redis {

/// A Link that moves large values without copying them: they are written from where they lie and
/// received where they belong. What is sent in one loop turn leaves together.
class ChunkLink final : public Link, public std::enable_shared_from_this<ChunkLink> {
 public:
  [[nodiscard]] static Result<std::shared_ptr<ChunkLink>> open(loop::Loop& loop,
                                                               const Address& address,
                                                               Listener& listener);
  void send(const Args& args) override;
  void close() override;

  void set(const std::string& key, std::chrono::milliseconds ttl, std::shared_ptr<const void> owner,
           ByteSpan payload);
  /// Answered with Nil, with the Integer that is the size of what was placed, or an Error.
  void get(const std::string& key, ChunkPipe::Allocator allocate);

 private:
  /// Text and after it, perhaps, bytes of somebody else's.
  struct Piece {
    std::string text;
    ByteSpan payload;
    std::shared_ptr<const void> owner;

    [[nodiscard]] std::size_t size() const { return text.size() + payload.size(); }
  };

  ChunkLink(loop::Loop& loop, Listener& listener, UniqueFd fd);
  void on_ready(loop::FdEvents events);
  void finish_connect();

  [[nodiscard]] std::string& text();
  void commanded(ChunkPipe::Allocator allocate);
  void flush();
  [[nodiscard]] ssize_t write_some();
  void written(std::size_t size);

  void receive();
  [[nodiscard]] bool tell_answers();
  [[nodiscard]] static Result<Reply> value_answer(RespReader::Answer answer);
  void lose(Error why);

  loop::Loop& loop_;
  Listener* listener_;
  UniqueFd fd_;
  std::unique_ptr<loop::FdWatcher> watcher_;
  bool is_connected_{};

  std::deque<Piece> out_;
  std::size_t front_written_{};
  bool is_flush_due_{};
  bool is_blocked_{};

  RespReader reader_;
  std::deque<ChunkPipe::Allocator> asked_;  // one for each unanswered command; empty: a small one
};

}  // namespace ace::redis
