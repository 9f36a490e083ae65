#include "shared/base/error.h"

#include <fmt/format.h>

#include <system_error>

namespace ace {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::InvalidArgument:
      return "invalid_argument";
    case Errc::NotFound:
      return "not_found";
    case Errc::Refused:
      return "refused";
    case Errc::Unavailable:
      return "unavailable";
    case Errc::Timeout:
      return "timeout";
    case Errc::Closed:
      return "closed";
    case Errc::Protocol:
      return "protocol";
    case Errc::TooLarge:
      return "too_large";
    case Errc::Busy:
      return "busy";
    case Errc::System:
      return "system";
  }
  return "unknown";
}

Error Error::in(std::string_view where) && {
  text = fmt::format("{}: {}", where, text);
  return std::move(*this);
}

Error Error::in(std::string_view where) const& { return Error{*this}.in(where); }

Error Error::from_errno(std::string_view what, int error_number) {
  return {Errc::System, fmt::format("{}: {}", what, std::generic_category().message(error_number))};
}

}  // namespace ace
