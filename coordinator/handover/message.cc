#include "coordinator/handover/message.h"

#include <chrono>

#include "coordinator/handover/wire.h"

namespace ace::handover {
namespace {

constexpr std::uint32_t kMagic = 0x41434500;  // "ACE", and the version
constexpr std::uint32_t kVersionBits = 0xff;

enum class Cargo : std::uint8_t { Request = 0, Watching = 1, Estate = 2 };

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
  out.number(static_cast<std::uint8_t>(watching.has_missed ? 1 : 0));
  out.number(static_cast<std::uint8_t>(watching.must_be_exact ? 1 : 0));
  out.number(static_cast<std::int64_t>(watching.hold.count()));
  out.text(watching.stall_cause);
  out.number(static_cast<std::int64_t>(watching.stalled_at.time_since_epoch().count()));
  out.number(static_cast<std::int64_t>(watching.stall.count()));
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
  watching.has_missed = in.number<std::uint8_t>() != 0;
  watching.must_be_exact = in.number<std::uint8_t>() != 0;
  watching.hold = std::chrono::nanoseconds{in.number<std::int64_t>()};
  watching.stall_cause = in.text();
  watching.stalled_at = WallTime{std::chrono::nanoseconds{in.number<std::int64_t>()}};
  watching.stall = std::chrono::milliseconds{in.number<std::int64_t>()};
  const bool is_known = framing <= static_cast<std::uint8_t>(proto::http::BodyFraming::UntilClose);
  if (!is_known || watching.client.value.empty()) return std::nullopt;
  return watching;
}

}  // namespace

std::string encode(const Message& message) {
  Writer out;
  out.number(kMagic | message.version);
  out.number(static_cast<std::uint8_t>(message.step));
  write(out, message.from);
  write(out, message.to);
  out.number(message.transfer);
  out.number(message.hops);
  out.text(message.peer);
  out.text(message.request);
  auto cargo = message.watching ? Cargo::Watching : Cargo::Request;
  if (message.is_estate) cargo = Cargo::Estate;
  out.number(static_cast<std::uint8_t>(cargo));
  if (message.watching) write(out, *message.watching);
  for (const auto* part :
       {&message.trace.id, &message.trace.user, &message.trace.line, &message.trace.referer}) {
    out.text(*part);
  }
  return out.take();
}

Result<Message> decode(std::string_view bytes) {
  Reader in{bytes};
  Message message;
  const auto magic = in.number<std::uint32_t>();
  if ((magic & ~kVersionBits) != kMagic) return fail(Errc::Protocol, "not a hand-over message");
  message.version = static_cast<std::uint8_t>(magic & kVersionBits);
  const auto step = in.number<std::uint8_t>();
  message.step = static_cast<Step>(step);
  message.from = read_worker(in);
  message.to = read_worker(in);
  message.transfer = in.number<std::uint64_t>();
  const bool is_known = step >= static_cast<std::uint8_t>(Step::Offer) &&
                        step <= static_cast<std::uint8_t>(Step::Cancel);
  if (in.is_short() || !is_known || message.from.slot >= host::kMaxSlots) {
    return fail(Errc::Protocol, "a hand-over message that makes no sense");
  }
  if (!message.is_ours()) return message;
  message.hops = in.number<std::uint8_t>();
  message.peer = in.text();
  message.request = in.text();
  const auto cargo = in.number<std::uint8_t>();
  message.is_estate = cargo == static_cast<std::uint8_t>(Cargo::Estate);
  const bool is_watching = cargo == static_cast<std::uint8_t>(Cargo::Watching);
  if (is_watching) message.watching = read_watching(in);
  for (auto* part :
       {&message.trace.id, &message.trace.user, &message.trace.line, &message.trace.referer}) {
    *part = in.text();
  }
  const bool is_cargo = cargo <= static_cast<std::uint8_t>(Cargo::Estate);
  if (!in.is_whole() || !is_cargo || is_watching != message.watching.has_value()) {
    return fail(Errc::Protocol, "a hand-over message that makes no sense");
  }
  return message;
}

}  // namespace ace::handover
