#include "coordinator/handover/message.h"

#include <chrono>
#include <cstring>
#include <type_traits>

namespace ace::handover {
namespace {

constexpr std::uint32_t kMagic = 0x41434500 + kMessageVersion;  // "ACE", version

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

void write(Writer& out, const Watching& watching) {
  out.text(watching.stream.text());
  out.number(watching.cursor.epoch.value);
  out.number(watching.cursor.index.value);
  out.number(static_cast<std::uint8_t>(watching.framing));
  out.text(watching.client.value);
  out.text(watching.agent);
  out.number(static_cast<std::int64_t>(watching.connected_at.time_since_epoch().count()));
  out.number(watching.bytes_sent);
  out.number(watching.skips);
}

/// Nothing for what no worker wrote.
std::optional<Watching> read_watching(Reader& in) {
  const auto stream = proto::StreamId::parse(in.text());
  if (!stream) return std::nullopt;
  Watching watching;
  watching.stream = *stream;
  watching.cursor.epoch = {in.number<std::uint64_t>()};
  watching.cursor.index = {in.number<std::uint64_t>()};
  const auto framing = in.number<std::uint8_t>();
  watching.framing = static_cast<proto::http::BodyFraming>(framing);
  watching.client = {in.text()};
  watching.agent = in.text();
  watching.connected_at = WallTime{std::chrono::nanoseconds{in.number<std::int64_t>()}};
  watching.bytes_sent = in.number<std::uint64_t>();
  watching.skips = in.number<std::uint64_t>();
  const bool is_known = framing <= static_cast<std::uint8_t>(proto::http::BodyFraming::UntilClose);
  if (!is_known || watching.client.value.empty()) return std::nullopt;
  return watching;
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
  out.number(static_cast<std::uint8_t>(message.watching ? 1 : 0));
  if (message.watching) write(out, *message.watching);
  for (const auto* part :
       {&message.trace.id, &message.trace.user, &message.trace.line, &message.trace.referer}) {
    out.text(*part);
  }
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
  const auto is_watching = in.number<std::uint8_t>();
  if (is_watching == 1) message.watching = read_watching(in);
  for (auto* part :
       {&message.trace.id, &message.trace.user, &message.trace.line, &message.trace.referer}) {
    *part = in.text();
  }
  const bool is_known = step >= static_cast<std::uint8_t>(Step::Offer) &&
                        step <= static_cast<std::uint8_t>(Step::Cancel);
  const bool is_one_or_other = is_watching == (message.watching ? 1 : 0);
  if (!in.is_whole() || !is_known || !is_one_or_other || message.from.slot >= host::kMaxSlots) {
    return fail(Errc::Protocol, "a hand-over message that makes no sense");
  }
  return message;
}

}  // namespace ace::handover
