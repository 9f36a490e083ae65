#include "coordinator/host/order_board.h"

#include <algorithm>
#include <mutex>

#include "coordinator/host/shared_text.h"

namespace ace::host {

void OrderBoard::post(const proto::StreamId& id, const StreamOrder& order) {
  const std::lock_guard lock{mutex_};
  const auto number = newest_ + 1;
  Entry& entry = entries_[number % kMaxOrders];
  entry.number = 0;  // whoever dies from here on leaves no half of an order
  entry.id = id;
  entry.kind = order.kind;
  store_text(entry.argument, order.argument);
  entry.number = number;
  newest_ = number;
}

std::vector<StreamOrder> OrderBoard::take(const proto::StreamId& id, std::uint64_t& seen) {
  if (newest_ == seen) return {};  // nearly always, without the lock
  const std::lock_guard lock{mutex_};
  const std::uint64_t newest = newest_;
  std::vector<StreamOrder> orders;
  const auto oldest = newest > kMaxOrders ? newest - kMaxOrders : 0;
  for (auto number = std::max(seen, oldest) + 1; number <= newest; ++number) {
    const auto& entry = entries_[number % kMaxOrders];
    if (entry.number != number || entry.id != id) continue;
    orders.push_back({.kind = entry.kind, .argument = load_text(entry.argument)});
  }
  seen = newest;
  return orders;
}

}  // namespace ace::host
