#pragma once

#include <uv.h>

#include <memory>

namespace ace::loop {

/// Deleter for libuv handles: the storage outlives its owner until libuv's close callback. After
/// uv_close no handle callback (timer, poll) comes any more, so those may use their owner freely.
struct UvClose {
  template <class H>
  void operator()(H* handle) const noexcept {
    uv_close(reinterpret_cast<uv_handle_t*>(handle),
             [](uv_handle_t* closed) { delete reinterpret_cast<H*>(closed); });
  }
};

/// Owns an *initialised* libuv handle: if uv_*_init succeeded, only uv_close may end it.
template <class H>
using UvPtr = std::unique_ptr<H, UvClose>;

}  // namespace ace::loop
