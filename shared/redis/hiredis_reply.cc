#include "shared/redis/hiredis_reply.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <string_view>
#include <utility>

#include "shared/redis/link.h"

namespace ace::redis {
namespace {

Reply text_reply(Reply::Kind kind, const redisReply& reply) {
  return {.kind = kind, .integer = 0, .text = std::string{reply.str, reply.len}, .elements = {}};
}

Result<Reply> array_reply(const redisReply& reply) {
  Reply array{.kind = Reply::Kind::Array, .integer = 0, .text = {}, .elements = {}};
  array.elements.reserve(reply.elements);
  for (std::size_t i = 0; i < reply.elements; ++i) {
    auto element = from_hiredis(*reply.element[i]);
    if (!element) return element;
    array.elements.push_back(std::move(*element));
  }
  return array;
}

/// hiredis' own functions, which the guards call once they are content.
redisReplyObjectFunctions& originals() {
  static redisReplyObjectFunctions functions = [] {
    redisReader* const reader = redisReaderCreate();
    const auto copy = *reader->fn;
    redisReaderFree(reader);
    return copy;
  }();
  return functions;
}

const ReplyGuard& guard_of(const redisReadTask& task) {
  return *static_cast<const ReplyGuard*>(task.privdata);
}

bool is_push(const redisAsyncContext& context) {
  return context.replies.head == nullptr && (context.c.flags & REDIS_SUBSCRIBED) != 0;
}

/// What async.c asserts of a pub/sub message's three elements. `type` is what the element really
/// is: a nil string has the task type of a string. `text` is empty unless it is a string.
bool is_sound_push_element(const redisReadTask& task, int type, std::string_view text) {
  if (task.idx == 0) {
    return type == REDIS_REPLY_STRING &&
           (text == "message" || text == "subscribe" || text == "unsubscribe");
  }
  const auto* const array = static_cast<const redisReply*>(task.parent->obj);
  const std::string_view word{array->element[0]->str, array->element[0]->len};
  if (task.idx == 1) {
    return type == REDIS_REPLY_STRING &&
           (word != "subscribe" || guard_of(task).unconfirmed.contains(text));
  }
  return type == (word == "message" ? REDIS_REPLY_STRING : REDIS_REPLY_INTEGER);
}

bool is_expected(const redisReadTask& task, int type, std::string_view text = {}) {
  const auto& context = guard_of(task).context;
  const bool is_top = task.parent == nullptr;
  const bool is_element_of_top = !is_top && task.parent->parent == nullptr;
  if (context.replies.head != nullptr) return true;  // the answer to a command: any shape will do
  if (is_top && type == REDIS_REPLY_ERROR) return true;  // hiredis disconnects with its text
  if (!is_push(context)) return !is_top;
  if (is_top) return type == REDIS_REPLY_ARRAY;
  return is_element_of_top && is_sound_push_element(task, type, text);
}

/// hiredis 1 also reads the types of RESP3 (maps, pushes, verbatim strings …), which only HELLO
/// asks for.
bool is_resp2(const redisReadTask& task) { return task.type <= REDIS_REPLY_ERROR; }

void* create_string(const redisReadTask* task, char* text, size_t size) {
  if (!is_resp2(*task) || !is_expected(*task, task->type, {text, size})) return nullptr;
  return originals().createString(task, text, size);
}
/// The number of elements is an int in hiredis 0.14 and a size_t since 1.0.
template <class Count>
void* create_array(const redisReadTask* task, Count elements) {
  const bool is_top_of_push = task->parent == nullptr && is_push(guard_of(*task).context);
  if (is_top_of_push && elements != 3) return nullptr;
  if (static_cast<std::size_t>(elements) > kMaxReplyElements) return nullptr;  // negative ones too
  if (!is_resp2(*task) || !is_expected(*task, REDIS_REPLY_ARRAY)) return nullptr;
  return originals().createArray(task, elements);
}
void* create_integer(const redisReadTask* task, long long value) {
  if (!is_expected(*task, REDIS_REPLY_INTEGER)) return nullptr;
  return originals().createInteger(task, value);
}
void* create_nil(const redisReadTask* task) {
  if (!is_expected(*task, REDIS_REPLY_NIL)) return nullptr;
  return originals().createNil(task);
}

/// RESP3's numbers have functions of their own where hiredis knows them.
template <class Functions>
void refuse_resp3_numbers(Functions& functions) {
  if constexpr (requires { functions.createDouble; }) {
    functions.createDouble = [](const redisReadTask*, double, char*, size_t) -> void* {
      return nullptr;
    };
    functions.createBool = [](const redisReadTask*, int) -> void* { return nullptr; };
  }
}

redisReplyObjectFunctions& guards() {
  static redisReplyObjectFunctions functions = [] {
    auto table = originals();
    table.createString = create_string;
    table.createArray = create_array;
    table.createInteger = create_integer;
    table.createNil = create_nil;
    refuse_resp3_numbers(table);
    return table;
  }();
  return functions;
}

}  // namespace

Result<Reply> from_hiredis(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_STRING:
      return text_reply(Reply::Kind::String, reply);
    case REDIS_REPLY_STATUS:
      return text_reply(Reply::Kind::Status, reply);
    case REDIS_REPLY_INTEGER:
      return Reply{
          .kind = Reply::Kind::Integer, .integer = reply.integer, .text = {}, .elements = {}};
    case REDIS_REPLY_NIL:
      return Reply{};
    case REDIS_REPLY_ARRAY:
      return array_reply(reply);
    case REDIS_REPLY_ERROR:
      return fail(Errc::Refused, std::string{reply.str, reply.len});
    default:
      return fail(Errc::Protocol, "a reply of an unknown type");
  }
}

void guard_replies(ReplyGuard& guard) {
  guard.context.c.reader->fn = &guards();
  guard.context.c.reader->privdata = &guard;
}

}  // namespace ace::redis
