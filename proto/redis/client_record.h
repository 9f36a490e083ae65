#pragma once

#include <cstdint>
#include <string>

#include "proto/ids.h"
#include "proto/redis/fields.h"
#include "shared/base/result.h"

namespace ace::proto {

/// What changes about a client while it is being served.
struct ClientFigures {
  double last_active{};  ///< unix seconds: when it last acknowledged bytes
  std::uint64_t bytes_sent{};
  double lag{};           ///< seconds behind the newest chunk
  std::uint64_t skips{};  ///< times it was moved forward
  /// The last time that its picture stood still, as in StreamRecord; no cause: it never did.
  std::string stall_cause{};
  double stall_time{};
  std::uint64_t stall_ms{};
  bool is_stalled{};
};

/// A client's hash. Times are unix seconds.
struct ClientRecord {
  ClientId id;
  std::string address;
  std::string agent;
  WorkerId worker;  ///< which serves it
  double connected_at{};
  ClientFigures figures;
};

/// All fields but the id, which is in the key's name.
[[nodiscard]] Fields to_fields(const ClientRecord& record);
/// Without a stall nothing of one: what was written of an earlier one stays.
[[nodiscard]] Fields to_fields(const ClientFigures& figures);
/// Junk in a field counts as not written. NotFound when there are no fields at all.
[[nodiscard]] Result<ClientRecord> parse_client_record(ClientId id, const Fields& fields);

}  // namespace ace::proto
