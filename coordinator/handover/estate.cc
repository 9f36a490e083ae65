#include "coordinator/handover/estate.h"

#include <algorithm>

#include "coordinator/handover/wire.h"
#include "shared/os/memory_file.h"

namespace ace::handover {
namespace {

/// "ACS", version 1; and version 2, which has the place in the packets as well. Only a stream whose
/// packets lie in others is written as the latter: any other one a process of before still takes.
constexpr std::uint32_t kMagic = 0x41435301;
constexpr std::uint32_t kMagicWithPlace = 0x41435302;
constexpr std::size_t kHead = 20;  // magic, the description's size and hash

std::uint32_t magic_of(const Estate& estate) {
  return estate.place.gap == 0 ? kMagic : kMagicWithPlace;
}

/// FNV-1a. The media behind the description tell by themselves what they are.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

template <class Duration>
void write_time(Writer& out, Duration time) {
  out.number(std::int64_t{std::chrono::nanoseconds{time}.count()});
}

std::chrono::nanoseconds read_time(Reader& in) {
  return std::chrono::nanoseconds{in.number<std::int64_t>()};
}

void write(Writer& out, const Estate::Piece& piece) {
  out.number(piece.epoch.value);
  out.number(piece.index.value);
  write_time(out, piece.arrived.time_since_epoch());
  write_time(out, piece.media_time);
  out.number(static_cast<std::uint8_t>(piece.random_access ? 1 : 0));
  if (piece.random_access) {
    out.number(std::uint64_t{piece.random_access->offset});
    out.text(as_text(piece.random_access->tables));
  }
  out.number(static_cast<std::uint8_t>(piece.chunk ? 1 : 0));
  out.number(piece.chunk ? std::uint64_t{piece.chunk->size()} : piece.print_size);
  out.number(piece.print_hash);
}

std::string describe(const Estate& estate) {
  Writer out;
  out.text(estate.stream.text());
  out.text(estate.from.value);
  out.number(estate.epoch.value);
  out.number(estate.index.value);
  out.text(estate.record);
  write_time(out, estate.session_made_at.time_since_epoch());
  const auto& state = estate.decoder.state();
  out.number(static_cast<std::uint8_t>(state.framing));
  out.number(static_cast<std::uint8_t>(state.place));
  out.number(state.left);
  out.number(state.line_bytes);
  out.text(estate.unread);
  if (magic_of(estate) == kMagicWithPlace) {
    out.number(static_cast<std::uint8_t>(estate.place.gap));
    out.number(static_cast<std::uint8_t>(estate.place.gap_left));
  }
  out.number(static_cast<std::uint32_t>(estate.pieces.size()));
  for (const auto& piece : estate.pieces) write(out, piece);
  return out.take();
}

/// A piece whose chunk is to be taken from `media`; nothing for what no worker wrote.
std::optional<Estate::Piece> read_piece(Reader& in, Reader& media) {
  Estate::Piece piece;
  piece.epoch = {in.number<std::uint64_t>()};
  piece.index = {in.number<std::uint64_t>()};
  piece.arrived = SteadyTime{read_time(in)};
  piece.media_time = read_time(in);
  std::size_t entry = 0;
  if (in.number<std::uint8_t>() != 0) {
    auto access = std::make_shared<proto::RandomAccessPoint>();
    access->offset = entry = in.number<std::uint64_t>();
    const auto tables = in.text();
    access->tables.assign(as_bytes(tables).begin(), as_bytes(tables).end());
    piece.random_access = std::move(access);
  }
  const bool is_here = in.number<std::uint8_t>() != 0;
  const auto size = in.number<std::uint64_t>();
  piece.print_hash = in.number<std::uint64_t>();
  const bool is_chunk =
      size > 0 && size <= proto::kMaxChunkBytes && size % proto::kTsPacketSize == 0 && entry < size;
  if (in.is_short() || !is_chunk) return std::nullopt;
  if (!is_here) {
    piece.print_size = size;
    return piece;
  }
  const auto payload = media.view(size);
  if (payload.size() != size) return std::nullopt;
  piece.chunk = proto::Chunk::copy_of(as_bytes(payload));
  return piece;
}

Status read_place(Reader& in, proto::TsAligner::Place& place) {
  place.gap = in.number<std::uint8_t>();
  place.gap_left = in.number<std::uint8_t>();
  const bool is_known = place.gap > 0 && std::ranges::count(proto::TsAligner::kGaps, place.gap) > 0;
  if (!is_known || place.gap_left > place.gap) return fail(Errc::Protocol, "no place in packets");
  return {};
}

Status read(Reader& in, Reader& media, std::uint32_t magic, Estate& estate) {
  const auto stream = proto::StreamId::parse(in.text());
  if (!stream) return fail(stream.error());
  estate.stream = *stream;
  estate.from = {in.text()};
  estate.epoch = {in.number<std::uint64_t>()};
  estate.index = {in.number<std::uint64_t>()};
  estate.record = in.text();
  estate.session_made_at = SteadyTime{read_time(in)};
  proto::http::BodyDecoder::State state;
  state.framing = static_cast<proto::http::BodyDecoder::Framing>(in.number<std::uint8_t>());
  state.place = static_cast<proto::http::BodyDecoder::Place>(in.number<std::uint8_t>());
  state.left = in.number<std::uint64_t>();
  state.line_bytes = in.number<std::uint32_t>();
  const auto decoder = proto::http::BodyDecoder::at(state);
  if (!decoder) return fail(decoder.error());
  estate.decoder = *decoder;
  estate.unread = in.text();
  if (magic == kMagicWithPlace) {
    if (auto placed = read_place(in, estate.place); !placed) return placed;
  }
  const auto count = in.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && !in.is_short(); ++i) {
    auto piece = read_piece(in, media);
    if (!piece) return fail(Errc::Protocol, "a piece that makes no sense");
    // A window gives up the chunks of its oldest pieces first.
    const bool is_in_order = piece->chunk || estate.pieces.empty() || !estate.pieces.back().chunk;
    if (!is_in_order) return fail(Errc::Protocol, "a piece without its chunk behind one with it");
    estate.pieces.push_back(std::move(*piece));
  }
  if (!estate.pieces.empty() && !estate.pieces.back().chunk) {
    return fail(Errc::Protocol, "pieces without the newest chunk");
  }
  if (!in.is_whole() || !media.is_whole()) return fail(Errc::Protocol, "cut short, or too long");
  return {};
}

}  // namespace

Result<UniqueFd> pack(const Estate& estate) {
  const auto description = describe(estate);
  Writer head;
  head.number(magic_of(estate));
  head.number(std::uint64_t{description.size()});
  head.number(hash_of(description));
  const auto begin = head.take();
  std::vector<ByteSpan> parts{as_bytes(begin), as_bytes(description)};
  for (const auto& piece : estate.pieces) {
    if (piece.chunk) parts.push_back(piece.chunk->payload());
  }
  return os::make_memory_file(parts);
}

Result<Estate> unpack(int fd) {
  const auto file = os::MappedFile::open(fd);
  if (!file) return fail(file.error().in("estate"));
  const auto bytes = as_text(file->bytes());
  Reader head{bytes.substr(0, kHead)};
  const auto magic = head.number<std::uint32_t>();
  const auto size = head.number<std::uint64_t>();
  const auto hash = head.number<std::uint64_t>();
  if (magic != kMagic && magic != kMagicWithPlace)
    return fail(Errc::Protocol, "estate: of another version");
  if (head.is_short() || size > bytes.size() - kHead) {
    return fail(Errc::Protocol, "estate: cut short");
  }
  const auto description = bytes.substr(kHead, size);
  if (hash_of(description) != hash) return fail(Errc::Protocol, "estate: damaged");
  Reader in{description};
  Reader media{bytes.substr(kHead + size)};
  Estate estate;
  if (auto done = read(in, media, magic, estate); !done) return fail(done.error().in("estate"));
  return estate;
}

}  // namespace ace::handover
