#pragma once

#include <utility>

#include <tl/expected.hpp>

#include "shared/base/error.h"

namespace ace {

/// What every fallible function returns: the value, or why there is none.
template <class T>
using Result = tl::expected<T, Error>;

using Status = Result<void>;

/// `return fail(Errc::Timeout, "no answer in 15 s");` from any function that returns a Result.
[[nodiscard]] inline tl::unexpected<Error> fail(Errc code, std::string text) {
  return tl::unexpected<Error>(Error{code, std::move(text)});
}
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace ace
