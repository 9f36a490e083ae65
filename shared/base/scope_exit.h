#pragma once

#include <utility>

namespace ace {

/// Runs `function` when the scope ends, however it ends.
template <class F>
class [[nodiscard]] ScopeExit {
 public:
  explicit ScopeExit(F function) : function_{std::move(function)} {}
  ~ScopeExit() { function_(); }
  ScopeExit(const ScopeExit&) = delete;
  ScopeExit& operator=(const ScopeExit&) = delete;

 private:
  F function_;
};

}  // namespace ace
