#pragma once

#include <pthread.h>

namespace ace::host {

/// A mutex in shared memory that survives the death of its holder. Critical sections are a few
/// microseconds of plain memory work; nothing in them can block. For std::lock_guard.
class RobustMutex {
 public:
  /// Once, by the process that makes the memory.
  void init();
  /// Whoever locks after a holder's death gets the lock all the same: what the mutex guards is
  /// written so that it is usable after any single store.
  void lock();
  void unlock();

 private:
  pthread_mutex_t mutex_;
};

}  // namespace ace::host
