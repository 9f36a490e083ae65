#include "shared/loop/loop.h"

#include <cstdio>
#include <utility>

#include "shared/base/check.h"

namespace ace::loop {

Loop::Loop() {
  ACE_CHECK(uv_loop_init(&loop_) == 0, "a fresh loop can be made");
  auto idle = std::make_unique<uv_idle_t>();
  uv_idle_init(&loop_, idle.get());
  idle->data = this;
  idle_.reset(idle.release());
}

Loop::~Loop() {
  drop_posted();
  idle_.reset();
  // One turn runs the close callbacks; a request cancelled by a close may need the next one. A name
  // that is being looked up on a thread cannot be cancelled and is waited for.
  for (int turn = 0; turn < 3 || loop_.active_reqs.count > 0; ++turn) {
    uv_run(&loop_, loop_.active_reqs.count > 0 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    if (uv_loop_close(&loop_) == 0) return;
  }
  uv_print_all_handles(&loop_, stderr);
  ACE_CHECK(false, "every handle was closed before its loop");
}

void Loop::run() { uv_run(&loop_, UV_RUN_DEFAULT); }

void Loop::run_once(bool may_wait) { uv_run(&loop_, may_wait ? UV_RUN_ONCE : UV_RUN_NOWAIT); }

void Loop::stop() { uv_stop(&loop_); }

void Loop::post(std::function<void()> task) {
  if (posted_.empty()) {
    uv_idle_start(idle_.get(),
                  [](uv_idle_t* idle) { static_cast<Loop*>(idle->data)->run_posted(); });
  }
  posted_.push_back(std::move(task));
}

void Loop::drop_posted() {
  // What a task held may post in its destructor.
  while (!posted_.empty()) std::exchange(posted_, {}).clear();
}

void Loop::run_posted() {
  // What the tasks post in turn waits for the next turn, so that a loop of posts cannot starve I/O.
  uv_idle_stop(idle_.get());
  auto due = std::exchange(posted_, {});
  for (auto& task : due) {
    // What it holds ends with it: the next one may destroy what that refers to.
    const auto next = std::exchange(task, nullptr);
    next();
  }
}

}  // namespace ace::loop
