#include "coordinator/host/robust_mutex.h"

#include <cerrno>

#include "shared/base/check.h"

namespace ace::host {

void RobustMutex::init() {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  ACE_CHECK(pthread_mutex_init(&mutex_, &attributes) == 0, "a robust mutex can be made");
  pthread_mutexattr_destroy(&attributes);
}

void RobustMutex::lock() {
  const int locked = pthread_mutex_lock(&mutex_);
  if (locked == 0) return;
  ACE_CHECK(locked == EOWNERDEAD, "a lock of ours is either free or its holder died");
  pthread_mutex_consistent(&mutex_);
}

void RobustMutex::unlock() { pthread_mutex_unlock(&mutex_); }

}  // namespace ace::host
