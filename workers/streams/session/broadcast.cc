#include "workers/streams/session/broadcast.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "workers/streams/window/landing.h"
#include "workers/streams/window/memory_budget.h"

namespace ace::streams {
namespace {

/// Ten times as long as the owner of a stream that flows takes for a chunk.
constexpr std::chrono::milliseconds kSilence{1'000};
/// Of a stream whose rate is not known yet: most have less than 8 Mbit/s.
constexpr std::uint64_t kUsualRate = 1'000'000;  // bytes a second
/// A window is never made shorter than that; a decoder's key frames are 1 to 2 s apart.
constexpr std::uint64_t kLeastSeconds = 2;
/// The budget is asked twice a second; until then the entry has grown older.
constexpr std::chrono::seconds kEntryMargin{1};
/// What is read back for trailing viewers, each on its way and kept, while memory is short.
constexpr std::size_t kLeastReadBack = 1_MiB;

}  // namespace

Broadcast::Broadcast(StreamServices& services, proto::StreamId id, Viewers::Listener& listener)
    : services_{services},
      id_{id},
      story_{id},
      window_{services.options.window, services.options.buffer, services.options.reach},
      claim_{services.me(), memory_needed()},
      read_back_{id, services.chunks, window_, services.clock, {}},
      viewers_{services, id, {.window = window_, .archive = read_back_}, listener},
      last_media_{services.clock.now()} {}

void Broadcast::push(proto::OwnerEpoch epoch, proto::ChunkIndex index, proto::ChunkPtr chunk,
                     clients::Opening opening) {
  auto scanned = ts_index_.scan(chunk->payload());
  const bool has_entry = scanned.random_access || scanned.earlier;
  if (scanned.earlier) window_.add_entry(std::move(*scanned.earlier));
  // Without a PMT nothing tells where a decoder begins: there is nothing to wait for.
  const bool can_tell = ts_index_.tables().main_stream().has_value();
  if (opening == clients::Opening::Live && !can_tell) opening = clients::Opening::Anything;
  std::shared_ptr<const proto::RandomAccessPoint> entry;
  if (scanned.random_access) {
    entry = std::make_shared<proto::RandomAccessPoint>(std::move(*scanned.random_access));
  }
  if (std::exchange(is_behind_gap_, false)) {
    auto marked = landing(*chunk, entry.get());
    chunk = std::move(marked.chunk);
    entry = std::move(marked.entry);
  }
  const auto now = services_.clock.now();
  story_.on_media(now, services_.clock.wall_now());
  if (has_entry) story_.on_phase(StartPhase::RandomAccess, now);
  if (window_.empty()) services_.table().remember_played(id_);
  window_.keep_all(!services_.redis_is_up());
  window_.push({.epoch = epoch,
                .index = index,
                .chunk = std::move(chunk),
                .arrived = now,
                .media_time = ts_index_.media_time(),
                .random_access = std::move(entry)});
  last_media_ = now;
  viewers_.on_media(opening);
  if (expected_) count_fetch(index);
}

void Broadcast::inherit(const std::vector<handover::Estate::Piece>& pieces) {
  if (const auto* newest = window_.at({window_.edge().value - 1})) {
    const auto had = newest->index;
    for (const auto& piece : pieces) {
      if (piece.index > had && piece.chunk) {
        push(piece.epoch, piece.index, piece.chunk, clients::Opening::Nothing);
      }
    }
    return;
  }
  if (pieces.empty()) return;
  for (const auto& piece : pieces) {
    if (piece.chunk) static_cast<void>(ts_index_.scan(piece.chunk->payload()));
  }
  // Our index has counted from another beginning.
  const auto shift = ts_index_.media_time() - pieces.back().media_time;
  std::vector<ChunkWindow::Item> items;
  for (const auto& piece : pieces) {
    items.push_back({.epoch = piece.epoch,
                     .index = piece.index,
                     .chunk = piece.chunk,
                     .arrived = piece.arrived,
                     .media_time = piece.media_time + shift,
                     .random_access = piece.random_access,
                     .print = {.size = piece.print_size, .hash = piece.print_hash}});
  }
  window_.restore(std::move(items));
  last_media_ = pieces.back().arrived;
  viewers_.on_media(clients::Opening::Nothing);
}

void Broadcast::forget() {
  window_.clear();
  ts_index_ = {};
}

bool Broadcast::has_entry() const {
  return window_.entry_within(services_.options.join_burst).has_value();
}

void Broadcast::expect(proto::ChunkIndex index) {
  const auto* newest = window_.at({window_.edge().value - 1});
  const bool is_here = newest != nullptr && newest->index >= index;
  if (!expected_ && !is_here) expected_ = {.index = index, .heard = services_.clock.now()};
}

void Broadcast::count_fetch(proto::ChunkIndex index) {
  if (index < expected_->index) return;
  // A later one: what was expected has never been stored.
  if (index == expected_->index) {
    services_.me().fetch_time.add(services_.clock.now() - expected_->heard);
  }
  expected_.reset();
}

void Broadcast::tick(StallFacts facts) {
  facts.is_fetching = expected_.has_value();
  story_.tick(services_.clock.now(), services_.clock.wall_now(), facts);
  viewers_.limit(services_.options.client_rate(bits_per_second()));
  viewers_.tick(story_.stall());
  read_back_.tidy();
  obey_budget();
  fill_silence();
}

MemoryClaim::Bytes Broadcast::memory_needed() const {
  const auto& options = services_.options;
  // Without Redis nothing can be read back: the window is the whole buffer.
  const auto& limits = services_.redis_is_up() ? options.window : options.buffer;
  auto longest = limits.span;
  // A joining viewer begins with the newest random access point, which a long GOP keeps far back.
  if (const auto* entry = window_.at(window_.newest_entry())) {
    const auto age =
        std::chrono::ceil<std::chrono::seconds>(window_.age_at(*entry, services_.clock.now()));
    longest = std::clamp<std::chrono::milliseconds>(age + kEntryMargin, longest,
                                                    std::max(longest, options.reach.span));
  }
  const auto span = static_cast<std::uint64_t>(longest.count());
  const auto rate = bits_per_second() / 8;
  const auto chunk = options.feed.chunk.max_bytes;
  MemoryClaim::Bytes bytes{.held = window_.bytes()};
  bytes.most =
      std::min<std::uint64_t>((rate == 0 ? kUsualRate : rate) * span / 1'000, limits.bytes) + chunk;
  bytes.least =
      std::max<std::uint64_t>(rate == 0 ? MemoryBudget::kLeast : rate * kLeastSeconds, 2 * chunk);
  bytes.least = std::min(bytes.least, bytes.most);
  return bytes;
}

void Broadcast::obey_budget() {
  claim_.set(memory_needed());
  window_.hold_at_most(claim_.allowed());
  ReadBackLimits limits;
  if (services_.me().window_permille > 0) {
    limits.bytes_in_flight = limits.kept_bytes = kLeastReadBack;
  }
  read_back_.limit(limits);
}

bool Broadcast::is_silent() const {
  return !window_.empty() && services_.clock.now() - last_media_ > kSilence;
}

void Broadcast::fill_silence() {
  // Never before the first real packet: probes take what comes first for the stream.
  const auto now = services_.clock.now();
  if (window_.empty() || now - last_media_ < services_.options.filler_after) return;
  if (now - last_filler_ < services_.options.filler_every) return;
  last_filler_ = now;
  viewers_.send_filler();
}

}  // namespace ace::streams
