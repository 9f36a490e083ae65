#include "workers/films/film_sessions.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "proto/redis/redis_keys.h"
#include "proto/redis/redis_scripts.h"
#include "shared/base/random_id.h"
#include "shared/log/log.h"
#include "workers/engines/stop_session.h"
#include "workers/films/film_row.h"
#include "workers/streams/session/session_record.h"

namespace ace::films {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRenewEvery{2'000};
/// As a live stream does it.
constexpr milliseconds kRoomRetry{250};
constexpr unsigned kRoomAsks = 8;

proto::StreamId made_up_id() { return *proto::StreamId::parse(random_hex(20)); }

bool is_free(const FilmSession& session) {
  const auto reader = session.ask.reader.lock();
  return !reader || reader->is_gone();
}

}  // namespace

FilmSessions::FilmSessions(streams::StreamServices& services)
    : services_{services}, alive_{std::make_shared<FilmSessions*>(this)} {}

FilmSessions::~FilmSessions() {
  for (const auto& session : sessions_) {
    if (session->opener) session->opener->abandon();
  }
}

void FilmSessions::open(FilmAsk ask) {
  if (const auto own = find_free(ask)) return attach(own, ask);
  auto question = std::make_shared<Question>();
  question->ask = std::move(ask);
  question->token = made_up_id();
  if (!find_busy(question->ask)) return choose(question);
  // A seek: the last request is about to end, and its session is the one to go on with.
  choose_after(question, kPatience);
}

void FilmSessions::choose_after(const QuestionPtr& question, milliseconds patience) {
  question->patience = services_.timers.make();
  question->patience->once(patience, [this, raw = question.get()] {
    const auto at = std::ranges::find(waiting_, raw, &QuestionPtr::get);
    const auto still = *at;
    waiting_.erase(at);
    choose(still);
  });
  waiting_.push_back(question);
}

engines::ExcludedEngines FilmSessions::excluded(const FilmAsk& ask) const {
  auto engines = ask.failed;
  for (const auto& session : sessions_) {
    if (session->content == ask.content) engines.insert(session->engine.id());
  }
  return engines;
}

FilmSessionPtr FilmSessions::find_free(const FilmAsk& ask) const {
  FilmSessionPtr nobodys;
  for (const auto& session : sessions_) {
    if (session->content != ask.content || !is_free(*session)) continue;
    if (session->ask.viewer == ask.viewer) return session;
    if (session->ask.viewer.empty()) nobodys = session;
  }
  return nobodys;
}

FilmSessionPtr FilmSessions::find_busy(const FilmAsk& ask) const {
  const auto found = std::ranges::find_if(sessions_, [&](const FilmSessionPtr& session) {
    return session->content == ask.content && session->ask.viewer == ask.viewer &&
           !is_free(*session);
  });
  return found == sessions_.end() ? nullptr : *found;
}

void FilmSessions::choose(const QuestionPtr& question) {
  services_.selector.choose(
      question->token, excluded(question->ask),
      [weak = std::weak_ptr{alive_}, question](const Result<engines::EngineAddress>& chosen) {
        if (const auto self = weak.lock()) {
          (*self)->on_choice(question, chosen);
        }
      });
}

void FilmSessions::on_choice(const QuestionPtr& question,
                             const Result<engines::EngineAddress>& chosen) {
  const auto& ask = question->ask;
  if (!chosen) return on_no_engine(question, chosen.error());
  const bool plays_it_already = std::ranges::any_of(sessions_, [&](const FilmSessionPtr& other) {
    return other->content == ask.content && other->engine.id() == chosen->id();
  });
  const auto reader = ask.reader.lock();
  if (!reader || reader->is_gone()) return services_.selector.release(question->token);
  if (plays_it_already) return choose(question);  // chosen for another viewer at the same time
  const auto session = make_session(ask.content, question->token, *chosen);
  session->ask = ask;
  describe(*session);
  reserve(session);
}

void FilmSessions::reserve(const FilmSessionPtr& session) {
  session->is_being_reserved = true;
  if (!services_.commands.is_up()) return on_reserved(session, true);
  hold(*session, [weak = std::weak_ptr{alive_}, session](const Result<redis::Reply>& reply) {
    const auto self = weak.lock();
    // Where Redis does not tell, this host decides.
    if (self) (*self)->on_reserved(session, !reply || reply->as_integer() != 0);
  });
}

void FilmSessions::on_reserved(const FilmSessionPtr& session, bool is_ours) {
  if (std::ranges::find(sessions_, session) == sessions_.end()) return;  // dropped meanwhile
  session->is_being_reserved = false;
  const bool is_open = !session->info.playback_url.empty();
  if (!is_ours) {
    log::info("film_engine_taken", "stream={} engine={}", session->content.text(),
              session->engine.id());
    auto ask = session->ask;
    ask.failed.insert(session->engine.id());
    ask.is_taken_elsewhere = true;
    drop(session);
    return open(std::move(ask));
  }
  if (is_open) return deliver(session);
  session->opener =
      std::make_shared<engines::SessionOpener>(services_.curl, services_.timers, session->engine,
                                               session->content, services_.options.feed.timeouts);
  session->opener->start(
      [weak = std::weak_ptr{alive_}, session](const Result<engines::SessionInfo>& opened) {
        if (const auto self = weak.lock()) (*self)->on_opened(session, opened);
      });
}

void FilmSessions::hold(const FilmSession& session, redis::ReplyCallback callback) {
  static const redis::Script script{proto::kHoldFilmScript};
  services_.commands.eval(
      script, {proto::film_key(session.content, session.engine.id())},
      {std::string{session.token.text()}, fmt::to_string(services_.options.lease.lease.count()),
       proto::engine_prefix(), session.engine.id()},
      std::move(callback));
}

void FilmSessions::on_no_engine(const QuestionPtr& question, const Error& why) {
  const auto& ask = question->ask;
  services_.selector.release(question->token);
  if (const auto own = find_free(ask)) return attach(own, ask);
  const auto busy = find_busy(ask);
  if (busy && ask.may_take_over) {
    const auto reader = busy->ask.reader.lock();
    attach(busy, ask);
    if (reader) reader->on_film_session_lost();
    return;
  }
  FilmSessionPtr others;
  for (const auto& session : sessions_) {
    if (session->content != ask.content) continue;
    others = session;
    if (is_free(*session) && !session->is_opening()) return attach(session, ask);
  }
  const bool may_get_room =
      why.code == Errc::Busy && question->room_asks < kRoomAsks &&
      services_.selector.ask_for_room(question->token, excluded(ask), question->room_asks++);
  if (may_get_room) return choose_after(question, kRoomRetry);
  if ((others || ask.is_taken_elsewhere) && ask.failures.empty()) {
    return refuse(
        ask, {.status = 503,
              .code = "film_busy",
              .message = "an engine plays a recording to one viewer, and every engine is in use",
              .engines = {}});
  }
  auto failures = ask.failures;
  if (failures.empty()) failures.push_back({.engine_id = "", .error = why});
  refuse(ask, streams::start_failure(std::move(failures)));
}

void FilmSessions::on_opened(const FilmSessionPtr& session,
                             const Result<engines::SessionInfo>& opened) {
  session->opener.reset();
  if (!opened) {
    const auto engine_id = session->engine.id();
    const auto why = opened.error().in(engine_id);
    log::warn("film_session_failed", "stream={} engine={} why={:?}", session->content.text(),
              engine_id, why.text);
    services_.selector.note_failure(engine_id, why);
    auto ask = session->ask;  // the viewer may have asked again meanwhile
    ask.failed.insert(engine_id);
    ask.failures.push_back({.engine_id = engine_id, .error = why});
    forget(session);
    return open(std::move(ask));
  }
  session->info = *opened;
  if (opened->is_live) {
    services_.host.films().forget(session->content);
    const auto ask = session->ask;
    drop(session);
    return refuse(ask, {.status = 503,
                        .code = "not_a_film",
                        .message = "the content turned out to be live: ask again",
                        .engines = {}});
  }
  log::info("film_session_open", "stream={} engine={} infohash={}", session->content.text(),
            session->info.engine_id, session->info.infohash);
  services_.selector.note_success(session->engine.id());
  describe(*session);
  deliver(session);
}

void FilmSessions::attach(const FilmSessionPtr& session, const FilmAsk& ask) {
  session->ask = ask;
  session->idle_since = services_.clock.now();
  describe(*session);
  if (!session->is_opening()) deliver(session);
}

void FilmSessions::deliver(const FilmSessionPtr& session) {
  if (is_free(*session)) return give_back(session);
  services_.loop.post([session, reader = session->ask.reader] {
    const auto still = reader.lock();
    // It may be somebody else's by now.
    if (still && session->ask.reader.lock() == still) still->on_film_session(session);
  });
}

void FilmSessions::refuse(const FilmAsk& ask, streams::StartFailure failure) {
  services_.loop.post([reader = ask.reader, failure = std::move(failure)] {
    if (const auto still = reader.lock()) still->on_film_refused(failure);
  });
}

void FilmSessions::adopt(const proto::StreamId& content, const engines::SessionInfo& info) {
  const auto* engine = services_.engines.find(info.engine_id);
  if (engine == nullptr) {
    engines::stop_session(services_.curl, services_.timers, info, nullptr);
    return;
  }
  const auto session = make_session(content, made_up_id(), *engine);
  session->info = info;
  describe(*session);
  reserve(session);
}

FilmSessionPtr FilmSessions::make_session(const proto::StreamId& content,
                                          const proto::StreamId& token,
                                          const engines::EngineAddress& engine) {
  auto session = std::make_shared<FilmSession>();
  session->content = content;
  session->token = token;
  session->engine = engine;
  session->info.engine_id = engine.id();
  session->seen_orders = session->seen_yields = services_.host.orders().newest();
  session->idle_since = services_.clock.now();
  sessions_.push_back(session);
  return session;
}

void FilmSessions::give_back(const FilmSessionPtr& session) {
  if (std::ranges::find(sessions_, session) == sessions_.end()) return;  // dropped meanwhile
  session->ask.reader.reset();
  session->idle_since = services_.clock.now();
  describe(*session);
  const auto next = std::ranges::find_if(waiting_, [&](const QuestionPtr& question) {
    return question->ask.content == session->content && question->ask.viewer == session->ask.viewer;
  });
  if (next == waiting_.end()) return;
  const auto question = *next;
  waiting_.erase(next);
  attach(session, question->ask);
}

void FilmSessions::drop(const FilmSessionPtr& session) {
  if (session->opener) {
    session->opener->abandon();
  } else if (!session->info.playback_url.empty()) {
    engines::stop_session(services_.curl, services_.timers, session->info, nullptr);
    log::info("film_session_stopped", "stream={} engine={}", session->content.text(),
              session->info.engine_id);
  }
  forget(session);
}

void FilmSessions::forget(const FilmSessionPtr& session) {
  services_.selector.release(session->token);
  static const redis::Script script{proto::kDropFilmScript};
  services_.commands.eval(script,
                          {proto::film_key(session->content, session->engine.id()),
                           proto::engine_streams_key(session->engine.id())},
                          {std::string{session->token.text()}}, [](const Result<redis::Reply>&) {});
  services_.table().set_viewers(services_.board(), session->token, services_.self, 0);
  services_.table().release(services_.board(), session->token, services_.self);
  std::erase(sessions_, session);
}

void FilmSessions::describe(const FilmSession& session) {
  proto::StreamRecord record;
  record.content_id = session.content.text();
  streams::set_session(record, session.info);
  const bool is_open = !session.info.playback_url.empty();
  const auto reader = session.ask.reader.lock();
  std::optional<proto::ClientRecord> client;
  if (reader && !reader->is_gone()) client = reader->client();
  if (!services_.table().acquire(services_.board(), session.token, services_.self)) return;
  services_.table().describe(
      session.token, services_.self,
      {.phase = is_open ? host::StreamPhase::Streaming : host::StreamPhase::Starting,
       .kind = host::StreamKind::Film,
       .engine_id = session.info.engine_id,
       .infohash = "",  // nobody else may join it by that
       .session = to_text(record, client)});
  services_.table().set_viewers(services_.board(), session.token, services_.self, client ? 1 : 0);
}

void FilmSessions::tick() {
  const auto now = services_.clock.now();
  for (const auto& session : std::vector{sessions_}) {
    const bool is_idle = !session->is_opening() && is_free(*session);
    const bool is_yielding = is_asked_for(*session);
    const bool is_over = is_idle && (is_yielding || now - session->idle_since >= kKeep);
    // Its viewer has heard of that first. Who has come since then goes on with it.
    const bool is_unwanted = is_ended(*session) && is_free(*session);
    if (is_over || is_unwanted) drop(session);
  }
  if (now - renewed_at_ >= kRenewEvery) renew();
}

bool FilmSessions::is_ended(FilmSession& session) {
  return std::ranges::any_of(
      services_.host.orders().take(session.content, session.seen_orders),
      [](const host::StreamOrder& order) { return order.kind == host::OrderKind::End; });
}

bool FilmSessions::is_asked_for(FilmSession& session) {
  return std::ranges::any_of(
      services_.host.orders().take(session.token, session.seen_yields),
      [](const host::StreamOrder& order) { return order.kind == host::OrderKind::Yield; });
}

void FilmSessions::renew() {
  renewed_at_ = services_.clock.now();
  for (const auto& session : sessions_) {
    // One that somebody else has by now ends by its engine.
    if (!session->is_being_reserved) hold(*session, [](const Result<redis::Reply>&) {});
    describe(*session);  // what its viewer has got by now
  }
}

void FilmSessions::shut_down() {
  waiting_.clear();
  for (const auto& session : std::vector{sessions_}) drop(session);
}

}  // namespace ace::films
