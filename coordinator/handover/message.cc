#include "coordinator/handover/message.h"

#include <cstring>
#include <type_traits>

namespace ace::handover {
namespace {

constexpr std::uint32_t kMagic = 0x41434501;  // "ACE", version 1

class Writer {
 public:
  template <class T>
  void number(T value) {
    static_assert(std::is_integral_v<T>);
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(std::string_view text) {
    number(static_cast<std::uint32_t>(text.size()));
    out_.append(text);
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

/// Reads what Writer wrote; once something is missing, all further reads give nothing.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_{in} {}
  template <class T>
  [[nodiscard]] T number() {
    T value{};
    if (const auto bytes = take(sizeof value); bytes.size() == sizeof value) {
      std::memcpy(&value, bytes.data(), sizeof value);
    }
    return value;
  }
  [[nodiscard]] std::string text() { return std::string{take(number<std::uint32_t>())}; }
  [[nodiscard]] bool is_whole() const { return !is_short_ && in_.empty(); }

 private:
  std::string_view take(std::size_t size) {
    if (is_short_ || in_.size() < size) {
      is_short_ = true;
      return {};
    }
    const auto taken = in_.substr(0, size);
    in_.remove_prefix(size);
    return taken;
  }

  std::string_view in_;
  bool is_short_{};
};

void write(Writer& out, host::WorkerRef worker) {
  out.number(worker.slot);
  out.number(worker.generation);
}

host::WorkerRef read_worker(Reader& in) {
  const auto slot = in.number<std::uint32_t>();
  const auto generation = in.number<std::uint32_t>();
  return {.slot = slot, .generation = generation};
}

}  // namespace

std::string encode(const Message& message) {
  Writer out;
  out.number(kMagic);
  out.number(static_cast<std::uint8_t>(message.step));
  write(out, message.from);
  write(out, message.to);
  out.number(message.transfer);
  out.number(message.hops);
  out.text(message.peer);
  out.text(message.request);
  return out.take();
}

Result<Message> decode(std::string_view bytes) {
  Reader in{bytes};
  if (in.number<std::uint32_t>() != kMagic) return fail(Errc::Protocol, "not a hand-over message");
  Message message;
  const auto step = in.number<std::uint8_t>();
  message.step = static_cast<Step>(step);
  message.from = read_worker(in);
  message.to = read_worker(in);
  message.transfer = in.number<std::uint64_t>();
  message.hops = in.number<std::uint8_t>();
  message.peer = in.text();
  message.request = in.text();
  const bool is_known = step >= static_cast<std::uint8_t>(Step::Offer) &&
                        step <= static_cast<std::uint8_t>(Step::Cancel);
  if (!in.is_whole() || !is_known || message.from.slot >= host::kMaxSlots) {
    return fail(Errc::Protocol, "a hand-over message that makes no sense");
  }
  return message;
}

}  // namespace ace::handover
