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

const redisAsyncContext& context_of(const redisReadTask& task) {
  return *static_cast<const redisAsyncContext*>(task.privdata);
}

bool is_push(const redisAsyncContext& context) {
  return context.replies.head == nullptr && (context.c.flags & REDIS_SUBSCRIBED) != 0;
}

/// What async.c asserts of a pub/sub message's first three elements. `type` is what the element
/// really is: a nil string has the task type of a string.
bool is_sound_push_element(const redisReadTask& task, int type) {
  if (task.idx < 2) return type == REDIS_REPLY_STRING;
  if (task.idx > 2) return false;
  if (type == REDIS_REPLY_INTEGER) return true;
  const auto* const array = static_cast<const redisReply*>(task.parent->obj);
  const redisReply& word = *array->element[0];
  return type == REDIS_REPLY_STRING && std::string_view{word.str, word.len} == "message";
}

bool is_expected(const redisReadTask& task, int type) {
  const auto& context = context_of(task);
  const bool is_top = task.parent == nullptr;
  const bool is_element_of_top = !is_top && task.parent->parent == nullptr;
  if (context.replies.head != nullptr) return true;  // the answer to a command: any shape will do
  if (is_top && type == REDIS_REPLY_ERROR) return true;  // hiredis disconnects with its text
  if (!is_push(context)) return !is_top;
  if (is_top) return type == REDIS_REPLY_ARRAY;
  return is_element_of_top && is_sound_push_element(task, type);
}

void* create_string(const redisReadTask* task, char* text, size_t size) {
  if (!is_expected(*task, task->type)) return nullptr;
  return originals().createString(task, text, size);
}
void* create_array(const redisReadTask* task, int elements) {
  const bool is_top_of_push = task->parent == nullptr && is_push(context_of(*task));
  if (is_top_of_push && elements != 3) return nullptr;
  if (elements < 0 || static_cast<std::size_t>(elements) > kMaxReplyElements) return nullptr;
  if (!is_expected(*task, REDIS_REPLY_ARRAY)) return nullptr;
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

void guard_replies(redisAsyncContext& context) {
  static redisReplyObjectFunctions guards{.createString = create_string,
                                          .createArray = create_array,
                                          .createInteger = create_integer,
                                          .createNil = create_nil,
                                          .freeObject = originals().freeObject};
  context.c.reader->fn = &guards;
  context.c.reader->privdata = &context;
}

}  // namespace ace::redis
