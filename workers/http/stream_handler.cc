#include "workers/http/stream_handler.h"

#include <fmt/format.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "coordinator/ownership/replies.h"
#include "proto/redis/redis_keys.h"
#include "shared/base/text.h"
#include "workers/http/router.h"
#include "workers/http/stream_row.h"

namespace ace::http {
namespace {

using proto::http::Request;

/// The `at`-th name of the path, from 0: "/streams/{id}/clients/{client}".
std::string_view segment(std::string_view path, std::size_t at) {
  for (; at > 0; --at) path.remove_prefix(path.find('/', 1));
  path.remove_prefix(1);
  return path.substr(0, path.find('/'));
}

/// Of a text that an answer quotes.
constexpr std::size_t kLongestQuoted = 100;

/// The engine that the query or the body names; empty when neither does.
Result<std::string> requested_engine(const Request& request) {
  if (const auto engine = request.query("engine")) return std::string{*engine};
  if (request.body.empty()) return std::string{};
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  rapidjson::Document document;
  document.Parse<kFlags>(request.body.data(), request.body.size());
  if (document.HasParseError() || !document.IsObject()) {
    return fail(Errc::InvalidArgument, "the body is not a JSON object");
  }
  for (const auto& [name, value] : document.GetObject()) {
    const std::string_view text{name.GetString(), name.GetStringLength()};
    if (text == "engine") continue;
    return fail(Errc::InvalidArgument,
                fmt::format("\"{}\" is not engine", outside_text(text, kLongestQuoted)));
  }
  const auto engine = document.FindMember("engine");
  if (engine == document.MemberEnd()) return std::string{};
  if (!engine->value.IsString()) return fail(Errc::InvalidArgument, "engine is not a text");
  return std::string{engine->value.GetString(), engine->value.GetStringLength()};
}

proto::Event event_of(const host::StreamOrder& order, const proto::WorkerId& worker) {
  proto::Event event{.worker = worker};
  switch (order.kind) {
    case host::OrderKind::Migrate:
      event.type = proto::EventType::Migrate;
      event.engine = order.argument;
      break;
    case host::OrderKind::End:
      event.type = proto::EventType::End;
      break;
    case host::OrderKind::Kick:
      event.type = proto::EventType::Kick;
      event.client = {order.argument};
      break;
    case host::OrderKind::Yield:
      event.type = proto::EventType::Yield;
      break;
  }
  return event;
}

std::string no_such_stream(const Answers& answers, const Request& request) {
  return answers.error(request, 404, "not_found", "there is no such stream");
}

std::string no_such_client(const Answers& answers, const Request& request) {
  return answers.error(request, 404, "no_such_client", "the stream has no such client");
}

std::string accepted(const Answers& answers, const Request& request) {
  return answers.json(request, 202, R"({"accepted":true})");
}

}  // namespace

/// What `GET /streams/{id}` gathers before it answers all who have asked meanwhile: it may take
/// some hundreds of commands.
struct StreamHandler::Page {
  struct Asker {
    Connection& connection;
    Request request;
  };
  std::vector<Asker> askers;
  host::StreamView stream;
  bool is_there{};
  std::string owner;
  std::size_t all_clients{};
  std::vector<proto::ClientRecord> clients;
  std::size_t awaited{};
};

StreamHandler::StreamHandler(streams::StreamServices& services, streams::StreamManager& streams,
                             std::string host_name, const Answers& answers)
    : services_{services},
      streams_{streams},
      host_name_{std::move(host_name)},
      answers_{answers},
      alive_{std::make_shared<const StreamHandler*>(this)} {}

// --- orders ---------------------------------------------------------------------------------

void StreamHandler::migrate(Connection& connection, const Request& request) const {
  const auto engine = requested_engine(request);
  if (!engine) {
    answer(connection, request, answers_.error(request, 400, "bad_engine", engine.error().text));
    return;
  }
  const auto listed = services_.engines.engines();
  const bool is_known =
      engine->empty() || std::ranges::any_of(listed, [&](const engines::EngineAddress& known) {
        return known.id() == *engine;
      });
  if (!is_known) {
    answer(connection, request,
           answers_.error(request, 404, "no_such_engine", "there is no engine with that name"));
    return;
  }
  if (services_.host.engines().is_draining(*engine)) {
    answer(connection, request,
           answers_.error(request, 409, "draining", "that engine is being drained"));
    return;
  }
  const auto asked = proto::StreamId::parse(segment(request.path(), 1));
  if (!asked) return answer(connection, request, no_such_stream(answers_, request));
  const auto id = services_.table().played_as(*asked);
  const auto stream = services_.table().find(services_.board(), id);
  if (stream && !engine->empty() && stream->engine_id == *engine) {
    answer(connection, request,
           answers_.error(request, 409, "there_already", "that engine plays the stream"));
    return;
  }
  order(connection, request, id, {.kind = host::OrderKind::Migrate, .argument = *engine});
}

void StreamHandler::end(Connection& connection, const Request& request) const {
  const auto id = proto::StreamId::parse(segment(request.path(), 1));
  if (!id) return answer(connection, request, no_such_stream(answers_, request));
  order(connection, request, services_.table().played_as(*id),
        {.kind = host::OrderKind::End, .argument = {}});
}

void StreamHandler::kick(Connection& connection, const Request& request) const {
  const auto id = proto::StreamId::parse(segment(request.path(), 1));
  if (!id) return answer(connection, request, no_such_stream(answers_, request));
  order(connection, request, services_.table().played_as(*id),
        {.kind = host::OrderKind::Kick, .argument = std::string{segment(request.path(), 3)}});
}

bool StreamHandler::is_owned_here(const proto::StreamId& id) const {
  const auto stream = services_.table().find(services_.board(), id);
  return stream && stream->owner.generation != 0;
}

void StreamHandler::order(Connection& connection, const Request& request, const proto::StreamId& id,
                          const host::StreamOrder& order) const {
  const bool is_kick = order.kind == host::OrderKind::Kick;
  const bool is_here = is_owned_here(id);
  const auto film = film_of(id);
  if (!film.sessions.empty()) return order_film(connection, request, id, order, film);
  if (!services_.redis_is_up() || (is_here && !is_kick)) {
    if (!is_here) return answer(connection, request, no_such_stream(answers_, request));
    give(id, order);
    answer(connection, request, accepted(answers_, request));
    return;
  }
  const proto::StreamKeys keys{id};
  const auto is_stream = std::make_shared<bool>(is_here);
  if (is_kick) {  // answered first: both go over one connection
    services_.commands.command({"EXISTS", keys.owner()},
                               [is_stream](const Result<redis::Reply>& reply) {
                                 if (ownership::integer_of(reply).value_or(0) > 0)
                                   *is_stream = true;
                               });
  }
  auto question = is_kick ? std::vector<std::string>{"SISMEMBER", keys.clients(), order.argument}
                          : std::vector<std::string>{"EXISTS", keys.owner()};
  services_.commands.command(
      std::move(question), [weak = std::weak_ptr{alive_}, &connection, request, id, order,
                            is_stream](const Result<redis::Reply>& reply) {
        const auto self = weak.lock();
        if (!self) return;
        const auto& answers = (*self)->answers_;
        const auto is_there = ownership::integer_of(reply);
        if (!is_there) {
          answer(connection, request,
                 answers.error(request, 503, "no_redis",
                               "Redis does not tell which worker has the stream"));
        } else if (*is_there == 0) {
          answer(connection, request,
                 *is_stream ? no_such_client(answers, request) : no_such_stream(answers, request));
        } else {
          (*self)->give(id, order);
          answer(connection, request, accepted(answers, request));
        }
      });
}

void StreamHandler::give(const proto::StreamId& id, const host::StreamOrder& order) const {
  services_.host.orders().post(id, order);
  if (services_.redis_is_up()) {
    services_.events.publish(id, event_of(order, services_.worker_id));
  }
}

// --- the page -------------------------------------------------------------------------------

void StreamHandler::show(Connection& connection, const Request& request) const {
  const auto asked = proto::StreamId::parse(segment(request.path(), 1));
  if (!asked) return answer(connection, request, no_such_stream(answers_, request));
  const auto id = services_.table().played_as(*asked);
  if (answer_film(connection, request, id)) return;
  const bool has_redis = services_.redis_is_up();
  if (!has_redis && goes_to_owner(connection, id)) return;
  connection.arrival() = {};  // what comes here as a client of the stream is none
  auto& gathered = pages_[id];
  if (gathered) {
    gathered->askers.push_back({connection, request});
    return;
  }
  const auto page = std::make_shared<Page>();
  page->askers.push_back({connection, request});
  page->stream.id = id;
  if (auto known = services_.table().find(services_.board(), id)) {
    page->is_there = known->owner.generation != 0;
    page->stream = std::move(*known);
    if (page->is_there) {
      page->owner = fmt::format("{}:{}", host_name_,
                                services_.board().slots[page->stream.owner.slot].pid.load());
    }
  }
  if (has_redis) {
    gathered = page;
    read_page(page);
    return;
  }
  page->clients = streams_.clients_of(id);
  page->all_clients = page->clients.size();
  page->is_there = page->is_there || page->all_clients > 0;  // another host's, followed here
  answer_page(*page);
}

bool StreamHandler::goes_to_owner(Connection& connection, const proto::StreamId& id) const {
  const auto stream = services_.table().find(services_.board(), id);
  if (!stream || stream->owner.generation == 0 || stream->owner == services_.self) return false;
  if (connection.arrival().hops > 0) return false;  // it has been sent on: no chase
  auto taken = connection.take_socket();
  services_.handover.count_on_its_way(stream->owner);
  services_.handover.offer(
      stream->owner,
      {.socket = std::move(taken.socket),
       .peer = std::move(taken.peer),
       .request = std::move(taken.raw),
       .trace = {.id = connection.trace().id, .user = {}, .line = {}, .referer = {}}});
  return true;
}

void StreamHandler::read_page(const std::shared_ptr<Page>& page) const {
  // Answered in this order, on one connection: the last one finds what the others read.
  const proto::StreamKeys keys{page->stream.id};
  services_.commands.command(
      {"HGETALL", keys.metadata()}, [page](const Result<redis::Reply>& reply) {
        if (page->is_there || !reply) return;  // the host's own table is newer
        const auto record = proto::parse_stream_record(ownership::fields_of(*reply));
        if (!record || record->owner.value.empty()) return;
        page->is_there = true;
        page->owner = record->owner.value;
        page->stream = view_of(page->stream.id, *record, page->stream.index);
      });
  services_.commands.command({"GET", keys.buffer_index()}, [page](const Result<redis::Reply>& r) {
    const auto index = r ? r->as_integer() : std::nullopt;
    if (index && *index > 0) {
      page->stream.index =
          std::max(page->stream.index, proto::ChunkIndex{static_cast<std::uint64_t>(*index)});
    }
  });
  services_.commands.command({"SMEMBERS", keys.clients()},
                             [weak = std::weak_ptr{alive_}, page](const Result<redis::Reply>& ids) {
                               const auto self = weak.lock();
                               if (self) (*self)->read_clients(page, ids ? *ids : redis::Reply{});
                             });
}

void StreamHandler::read_clients(const std::shared_ptr<Page>& page, const redis::Reply& ids) const {
  page->all_clients = ids.elements.size();
  page->awaited = std::min(ids.elements.size(), kMaxClients);
  if (page->awaited == 0) return answer_page(*page);
  const proto::StreamKeys keys{page->stream.id};
  for (std::size_t i = 0, count = page->awaited; i < count; ++i) {
    const proto::ClientId client{std::string{ownership::text_at(ids, i)}};
    services_.commands.command(
        {"HGETALL", keys.client(client)},
        [weak = std::weak_ptr{alive_}, page, client](const Result<redis::Reply>& reply) {
          const auto self = weak.lock();
          if (!self) return;
          auto record = reply ? proto::parse_client_record(client, ownership::fields_of(*reply))
                              : Result<proto::ClientRecord>{fail(reply.error())};
          // Of our own clients we know more than we last told.
          const auto live = (*self)->streams_.figures_of(page->stream.id, client);
          if (record && live) record->figures = *live;
          if (record) page->clients.push_back(std::move(*record));
          if (--page->awaited == 0) (*self)->answer_page(*page);
        });
  }
}

void StreamHandler::answer_page(Page& page) const {
  pages_.erase(page.stream.id);
  const bool is_known = page.is_there || page.stream.phase == host::StreamPhase::Failed;
  page.stream.viewers = static_cast<std::uint32_t>(page.all_clients);
  std::string json;
  for (const auto& [connection, request] : page.askers) {
    if (!is_known) {
      answer(connection, request, no_such_stream(answers_, request));
      continue;
    }
    answer(connection, request, answers_.built(request, proto::http::kJsonType, [&] {
      if (json.empty()) json = page_json(page.stream, page.owner, page.clients);
      return json;
    }));
  }
}

std::string StreamHandler::page_json(const host::StreamView& stream, std::string_view owner,
                                     const std::vector<proto::ClientRecord>& clients) {
  rapidjson::StringBuffer buffer;
  JsonWriter out{buffer};
  out.StartObject();
  write_members(out, stream, owner);
  out.Key("client_list");
  out.StartArray();
  for (const auto& client : clients) write(out, client);
  out.EndArray();
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace ace::http
