#include "shared/loop/after_poll.h"

#include <memory>
#include <utility>

namespace ace::loop {

AfterPoll::AfterPoll(Loop& loop, std::function<void()> callback) : callback_{std::move(callback)} {
  auto check = std::make_unique<uv_check_t>();
  uv_check_init(loop.raw(), check.get());
  check->data = this;
  check_.reset(check.release());
  auto idle = std::make_unique<uv_idle_t>();
  uv_idle_init(loop.raw(), idle.get());
  idle_.reset(idle.release());
}

void AfterPoll::arm() {
  uv_check_start(check_.get(),
                 [](uv_check_t* check) { static_cast<AfterPoll*>(check->data)->fire(); });
  uv_idle_start(idle_.get(), [](uv_idle_t*) {});
}

void AfterPoll::fire() {
  uv_check_stop(check_.get());
  uv_idle_stop(idle_.get());
  callback_();
}

}  // namespace ace::loop
