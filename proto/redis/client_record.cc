#include "proto/redis/client_record.h"

#include <fmt/format.h>

namespace ace::proto {
namespace {

void read_field(ClientRecord& record, std::string_view name, const std::string& value) {
  if (name == "address") record.address = value;
  if (name == "agent") record.agent = value;
  if (name == "worker") record.worker = WorkerId{value};
  if (name == "connected_at") record.connected_at = parse_seconds(value).value_or(0);
  if (name == "last_active") record.figures.last_active = parse_seconds(value).value_or(0);
  if (name == "bytes_sent") record.figures.bytes_sent = parse_unsigned(value).value_or(0);
  if (name == "lag") record.figures.lag = parse_seconds(value).value_or(0);
  if (name == "skips") record.figures.skips = parse_unsigned(value).value_or(0);
  if (name == "stall_cause") record.figures.stall_cause = value;
  if (name == "stall_time") record.figures.stall_time = parse_seconds(value).value_or(0);
  if (name == "stall_ms") record.figures.stall_ms = parse_unsigned(value).value_or(0);
  if (name == "stalled") record.figures.is_stalled = value == "1";
}

}  // namespace

Fields to_fields(const ClientFigures& figures) {
  Fields fields{{"last_active", format_seconds(figures.last_active)},
                {"bytes_sent", fmt::to_string(figures.bytes_sent)},
                {"lag", format_seconds(figures.lag)},
                {"skips", fmt::to_string(figures.skips)}};
  if (figures.stall_cause.empty()) return fields;
  fields.emplace_back("stall_cause", figures.stall_cause);
  fields.emplace_back("stall_time", format_seconds(figures.stall_time));
  fields.emplace_back("stall_ms", fmt::to_string(figures.stall_ms));
  fields.emplace_back("stalled", figures.is_stalled ? "1" : "0");
  return fields;
}

Fields to_fields(const ClientRecord& record) {
  auto fields = to_fields(record.figures);
  // Another worker may have written of one that this one knows nothing of.
  if (record.figures.stall_cause.empty()) fields.emplace_back("stall_cause", "");
  fields.emplace_back("address", record.address);
  fields.emplace_back("agent", record.agent);
  fields.emplace_back("worker", record.worker.value);
  fields.emplace_back("connected_at", format_seconds(record.connected_at));
  return fields;
}

Result<ClientRecord> parse_client_record(ClientId id, const Fields& fields) {
  if (fields.empty()) return fail(Errc::NotFound, "no such client");
  ClientRecord record;
  record.id = std::move(id);
  for (const auto& [name, value] : fields) read_field(record, name, value);
  return record;
}

}  // namespace ace::proto
