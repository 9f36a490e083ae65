#pragma once

#include <string>

#include "proto/ids.h"
#include "shared/base/clock.h"

namespace ace::clients {

/// Who is watching, for records and logs.
struct ClientInfo {
  proto::ClientId id;
  std::string address;
  std::string agent;
  WallTime connected_at;
};

}  // namespace ace::clients
