#include "coordinator/ownership/replies.h"

namespace ace::ownership {

Result<std::int64_t> integer_of(const Result<redis::Reply>& reply) {
  if (!reply) return fail(reply.error());
  const auto number = reply->as_integer();
  if (!number) return fail(Errc::Protocol, "redis: the answer is not a number");
  return *number;
}

Result<std::uint64_t> count_at(const redis::Reply& reply, std::size_t at) {
  if (at >= reply.elements.size()) return fail(Errc::Protocol, "redis: the answer is too short");
  const auto number = reply.elements[at].as_integer();
  if (!number || *number < 0) return fail(Errc::Protocol, "redis: the answer is not a number");
  return static_cast<std::uint64_t>(*number);
}

std::string_view text_at(const redis::Reply& reply, std::size_t at) {
  if (at >= reply.elements.size()) return {};
  return reply.elements[at].as_text().value_or(std::string_view{});
}

proto::Fields fields_of(const redis::Reply& reply) {
  proto::Fields fields;
  for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
    fields.emplace_back(text_at(reply, i), text_at(reply, i + 1));
  }
  return fields;
}

void append_fields(std::vector<std::string>& args, const proto::Fields& fields) {
  for (const auto& [name, value] : fields) {
    args.push_back(name);
    args.push_back(value);
  }
}

}  // namespace ace::ownership
