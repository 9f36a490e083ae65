#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/loop/timer.h"
#include "shared/redis/client.h"
#include "shared/redis/endpoint.h"

namespace ace::redis {

/// The connection for large values. hiredis would format a 320 KiB SET at 1.35 CPU seconds a GB
/// (0.19 for writing head, payload and tail as they lie) and read a value into a reply of its own
/// (0.24 against 0.14 for reading straight into the chunk): so this one writes RESP itself, with
/// sendmsg over what the caller keeps alive, and receives values where the caller says.
/// Commands are answered in the order they were given: what is given in one loop turn goes out as
/// one pipeline. Connects, authenticates, reconnects and gives up as Client does.
class ChunkPipe {
 public:
  virtual ~ChunkPipe() = default;

  /// A small command (EVALSHA, GET of an index …); ReplyCallback's promises hold.
  virtual void command(std::vector<std::string> args, ReplyCallback callback) = 0;
  virtual void eval(const Script& script, const std::vector<std::string>& keys,
                    const std::vector<std::string>& args, ReplyCallback callback) = 0;

  /// `SET key payload PX ttl`. `owner` keeps the payload's memory until it has been written.
  virtual void set(std::string key, std::chrono::milliseconds ttl,
                   std::shared_ptr<const void> owner, ByteSpan payload, ReplyCallback callback) = 0;

  /// Asked once the size of a value is known: memory for exactly that many bytes, which stays valid
  /// until the answer. An empty span for a size above 0 refuses: the value is read over and the
  /// answer is TooLarge.
  using Allocator = std::function<std::span<std::byte>(std::size_t size)>;
  /// The answer: the size that was read into the allocator's memory, or nothing if the key is not
  /// there.
  using GetCallback = std::function<void(Result<std::optional<std::size_t>>)>;
  virtual void get(std::string key, Allocator allocate, GetCallback callback) = 0;

  [[nodiscard]] virtual bool is_up() const = 0;
  /// Bytes given to set() that are not answered yet.
  [[nodiscard]] virtual std::size_t bytes_in_flight() const = 0;
};

class ChunkConnection final : public ChunkPipe {
 public:
  ChunkConnection(loop::Loop& loop, loop::TimerFactory& timers, Endpoint endpoint,
                  Deadlines deadlines, Client::Listener& listener);
  ~ChunkConnection() override;
  ChunkConnection(const ChunkConnection&) = delete;
  ChunkConnection& operator=(const ChunkConnection&) = delete;

  void command(std::vector<std::string> args, ReplyCallback callback) override;
  void eval(const Script& script, const std::vector<std::string>& keys,
            const std::vector<std::string>& args, ReplyCallback callback) override;
  void set(std::string key, std::chrono::milliseconds ttl, std::shared_ptr<const void> owner,
           ByteSpan payload, ReplyCallback callback) override;
  void get(std::string key, Allocator allocate, GetCallback callback) override;
  [[nodiscard]] bool is_up() const override;
  [[nodiscard]] std::size_t bytes_in_flight() const override;
  /// As Client::give_up().
  void give_up(Error why);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ace::redis
