#include "proto/redis/client_record.h"

#include <fmt/format.h>

namespace ace::proto {
namespace {

/// An agent header may be kilobytes of anything; what people look at is its beginning.
constexpr std::size_t kMaxAgentBytes = 256;

void read_field(ClientRecord& record, std::string_view name, const std::string& value) {
  if (name == "address") record.address = value;
  if (name == "agent") record.agent = value;
  if (name == "worker") record.worker = WorkerId{value};
  if (name == "connected_at") record.connected_at = parse_seconds(value).value_or(0);
  if (name == "last_active") record.figures.last_active = parse_seconds(value).value_or(0);
  if (name == "bytes_sent") record.figures.bytes_sent = parse_unsigned(value).value_or(0);
  if (name == "lag") record.figures.lag = parse_seconds(value).value_or(0);
  if (name == "skips") record.figures.skips = parse_unsigned(value).value_or(0);
}

}  // namespace

Fields to_fields(const ClientFigures& figures) {
  return {{"last_active", format_seconds(figures.last_active)},
          {"bytes_sent", fmt::to_string(figures.bytes_sent)},
          {"lag", format_seconds(figures.lag)},
          {"skips", fmt::to_string(figures.skips)}};
}

Fields to_fields(const ClientRecord& record) {
  auto fields = to_fields(record.figures);
  fields.emplace_back("address", record.address);
  fields.emplace_back("agent", record.agent.substr(0, kMaxAgentBytes));
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
