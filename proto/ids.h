#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "shared/base/result.h"

namespace ace::proto {

/// What a viewer asks for: a content id or an infohash, 40 hexadecimal digits, kept in lower case.
class StreamId {
 public:
  /// InvalidArgument unless `text` is exactly 40 hex digits (either case).
  [[nodiscard]] static Result<StreamId> parse(std::string_view text);
  [[nodiscard]] std::string_view text() const { return {digits_.data(), digits_.size()}; }
  auto operator<=>(const StreamId&) const = default;

  static constexpr std::size_t kLength = 40;

 private:
  std::array<char, kLength> digits_{};
};

/// `{hostname}:{pid}` of a worker process, the value of owner keys and of `X-Ace-Worker`.
struct WorkerId {
  std::string value;
  auto operator<=>(const WorkerId&) const = default;
};

/// One client connection: 16 random hex digits, never made from address and agent (two TVs behind
/// one router are two clients).
struct ClientId {
  std::string value;
  auto operator<=>(const ClientId&) const = default;
};

/// Position of a chunk in its stream. The first chunk written is 1; 0 means "none yet".
struct ChunkIndex {
  std::uint64_t value{};
  constexpr auto operator<=>(const ChunkIndex&) const = default;
  [[nodiscard]] constexpr ChunkIndex next() const { return {value + 1}; }
};

/// Fencing number of one ownership of a stream: grows with every claim, never goes back. 0: none.
struct OwnerEpoch {
  std::uint64_t value{};
  constexpr auto operator<=>(const OwnerEpoch&) const = default;
};

/// The last chunk that somebody has got whole.
struct ChunkCursor {
  OwnerEpoch epoch;
  ChunkIndex index;
  bool operator==(const ChunkCursor&) const = default;
};

}  // namespace ace::proto

template <>
struct std::hash<ace::proto::StreamId> {
  std::size_t operator()(const ace::proto::StreamId& id) const noexcept {
    return std::hash<std::string_view>{}(id.text());
  }
};
template <>
struct std::hash<ace::proto::ClientId> {
  std::size_t operator()(const ace::proto::ClientId& id) const noexcept {
    return std::hash<std::string>{}(id.value);
  }
};
