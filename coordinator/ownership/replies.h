#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "proto/redis/fields.h"
#include "shared/base/result.h"
#include "shared/redis/reply.h"

namespace ace::ownership {

/// A whole reply as one number. Protocol for anything else.
[[nodiscard]] Result<std::int64_t> integer_of(const Result<redis::Reply>& reply);
/// The `at`-th element of an array reply as a number that is not negative. Protocol for anything
/// else.
[[nodiscard]] Result<std::uint64_t> count_at(const redis::Reply& reply, std::size_t at);
/// The `at`-th element as text; empty for anything else.
[[nodiscard]] std::string_view text_at(const redis::Reply& reply, std::size_t at);
/// What HGETALL answered.
[[nodiscard]] proto::Fields fields_of(const redis::Reply& reply);
/// Field, value, field, value … behind a script's own arguments.
void append_fields(std::vector<std::string>& args, const proto::Fields& fields);

}  // namespace ace::ownership
