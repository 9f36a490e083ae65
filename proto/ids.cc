#include "proto/ids.h"

namespace ace::proto {
namespace {

/// The lower-case digit, or 0 for what is none.
constexpr char lower_hex(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) return c;
  if (c >= 'A' && c <= 'F') return static_cast<char>(c - 'A' + 'a');
  return '\0';
}

}  // namespace

Result<StreamId> StreamId::parse(std::string_view text) {
  if (text.size() != kLength) {
    return fail(Errc::InvalidArgument, "a stream id has 40 hexadecimal digits");
  }
  StreamId id;
  for (std::size_t i = 0; i < kLength; ++i) {
    id.digits_[i] = lower_hex(text[i]);
    if (id.digits_[i] == '\0') {
      return fail(Errc::InvalidArgument, "a stream id has 40 hexadecimal digits");
    }
  }
  return id;
}

}  // namespace ace::proto
