#include "workers/films/film_row.h"

#include <algorithm>

#include "coordinator/host/ownership_table.h"
#include "workers/streams/session/session_record.h"

namespace ace::films {
namespace {

constexpr const char* kReader = "reader";

/// A line of the table's text holds no tab, which an agent may.
std::string without_tabs(std::string text) {
  std::ranges::replace(text, '\t', ' ');
  return text;
}

}  // namespace

std::string to_text(const proto::StreamRecord& session,
                    const std::optional<proto::ClientRecord>& reader) {
  if (!reader) return streams::to_text(session);
  auto fields = proto::to_fields(session);
  fields.emplace_back(kReader, reader->id.value);
  for (auto& [name, value] : proto::to_fields(*reader)) {
    fields.emplace_back(name, without_tabs(value));
  }
  auto text = proto::to_lines(fields, host::OwnershipTable::kMaxSession);
  return text.empty() ? streams::to_text(session) : text;
}

bool plays_film(const host::StreamView& row, const proto::StreamId& content) {
  if (row.kind != host::StreamKind::Film) return false;
  const auto record = proto::parse_stream_record(proto::parse_lines(row.session));
  return record && record->content_id == content.text();
}

std::optional<proto::ClientRecord> reader_of(const host::StreamView& row) {
  const auto fields = proto::parse_lines(row.session);
  const auto id = std::ranges::find(fields, kReader, &proto::Fields::value_type::first);
  if (id == fields.end()) return std::nullopt;
  auto reader = proto::parse_client_record({id->second}, fields);
  if (!reader) return std::nullopt;
  return std::move(*reader);
}

}  // namespace ace::films
