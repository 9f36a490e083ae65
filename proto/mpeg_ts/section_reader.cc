#include "proto/mpeg_ts/section_reader.h"

namespace ace::proto {
namespace {

constexpr std::size_t kMaxPackets = 16;
constexpr std::size_t kLengthEnd = 3;  // table_id to section_length
constexpr std::size_t kHead = 8;       // table_id to last_section_number
constexpr std::size_t kCrc = 4;
constexpr std::byte kStuffing{0xff};

std::size_t length_of(const std::vector<std::byte>& section) {
  return (std::to_integer<std::size_t>(section[1]) & 0x0fU) << 8U |
         std::to_integer<std::size_t>(section[2]);
}

}  // namespace

void SectionReader::feed(const TsPacket& packet, ByteSpan raw, const Sink& sink) {
  auto payload = packet.payload;
  if (payload.empty()) return;
  if (packet.begins_unit) {
    const auto pointer = std::to_integer<std::size_t>(payload[0]);
    payload = payload.subspan(1);
    if (pointer >= payload.size()) return close();
    if (is_open_) add(payload.first(pointer), raw, sink);
    close();
    is_open_ = true;
    payload = payload.subspan(pointer);
  }
  if (is_open_) add(payload, raw, sink);
}

void SectionReader::add(ByteSpan payload, ByteSpan raw, const Sink& sink) {
  if (packets_.size() >= kMaxPackets * kTsPacketSize) return close();
  body_.insert(body_.end(), payload.begin(), payload.end());
  packets_.insert(packets_.end(), raw.begin(), raw.end());
  while (!body_.empty()) {
    if (body_.front() == kStuffing) return close();
    if (body_.size() < kLengthEnd) return;
    const auto end = kLengthEnd + length_of(body_);
    if (body_.size() < end) return;
    if (end >= kHead + kCrc) {
      sink({.body = ByteSpan{body_}.first(end - kCrc), .packets = packets_});
    }
    body_.erase(body_.begin(), body_.begin() + static_cast<std::ptrdiff_t>(end));
    packets_.assign(raw.begin(), raw.end());  // another one may begin in this packet
  }
  close();
}

void SectionReader::close() {
  is_open_ = false;
  body_.clear();
  packets_.clear();
}

}  // namespace ace::proto
