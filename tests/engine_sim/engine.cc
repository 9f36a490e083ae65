#include "tests/engine_sim/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shared/log/log.h"
#include "tests/engine_sim/engine_json.h"
#include "tests/support/viewers/numbered_ts.h"

namespace ace::sim {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kText = "text/plain";
constexpr std::string_view kUnknownSession = R"({"error":"unknown playback session id"})";

/// What a path asks for, as the state counts it.
std::string endpoint_of(const Request& request) {
  const std::pair<std::string_view, std::string_view> known[] = {
      {"/ace/getstream", "getstream"}, {"/ace/manifest.m3u8", "manifest"}, {"/ace/r/", "playback"},
      {"/ace/stat/", "stat"},          {"/ace/cmd/", "command"},           {"/ace/event/", "event"},
      {"/webui/api/service", "webui"}, {"/server/api", "server_api"},
  };
  for (const auto& [prefix, name] : known) {
    const bool is_folder = prefix.ends_with('/');
    if (is_folder ? request.path.starts_with(prefix) : request.path == prefix) {
      return std::string{name};
    }
  }
  return "other";
}

/// The stream that a request names: its infohash, and the id it was asked for by.
struct Asked {
  std::string infohash;
  std::string id;
};

Asked asked_stream(const Request& request) {
  auto id = request.parameter("content_id");
  if (id.empty()) id = request.parameter("id");
  const bool is_content = !id.empty();
  if (!is_content) id = request.parameter("infohash");
  std::ranges::transform(id, id.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (id.empty()) return {};
  return {.infohash = is_content ? test::infohash_of_content(id) : id, .id = id};
}

/// A fault's value "playback" or "playback:x" is about that endpoint, any other about getstream.
bool concerns(std::string_view value, std::string_view endpoint) {
  return value.starts_with("playback") == (endpoint == "playback");
}

}  // namespace

Engine::Engine(loop::Loop& loop, const EngineOptions& options, SourceFactory make_source,
               StreamLedger& all_streams, SimApi sim_api)
    : loop_{loop},
      options_{options},
      make_source_{std::move(make_source)},
      sim_api_{std::move(sim_api)},
      sessions_{options.session_linger, {&ledger_, &all_streams}},
      listener_{loop, [this](UniqueFd fd) { on_accept(std::move(fd)); }} {}

void Engine::on_accept(UniqueFd fd) {
  const auto id = ++last_connection_;
  auto connection = std::make_unique<Connection>(
      loop_, id, std::move(fd),
      [this](Connection& asking, const Request& request) { on_request(asking, request); });
  const auto* refuse = faults_.find(Fault::Refuse);
  if (refuse != nullptr) return connection->close(CloseHow::Reset);
  connections_.emplace(id, std::move(connection));
}

void Engine::on_request(Connection& connection, const Request& request) {
  if (request.path.starts_with("/sim/")) return connection.finish_with(sim_api_(request));
  const auto endpoint = endpoint_of(request);
  ++counts_.requests[endpoint];
  const auto* hang = faults_.find(Fault::Hang);
  if (hang != nullptr && (*hang == "all" || endpoint == "getstream")) return;
  if (endpoint == "getstream") return on_getstream(connection, request);
  if (endpoint == "webui") {
    return connection.finish_with(make_reply("200 OK", kJson, version_json(request)));
  }
  if (endpoint == "server_api") {
    const auto json = server_api_json(request.parameter("method"));
    return connection.finish_with(make_reply("200 OK", kJson, json));
  }
  if (endpoint == "manifest") {
    const auto json = playback_error_json("failed to get manifest");
    return connection.finish_with(make_reply("200 OK", kJson, json));
  }
  if (endpoint == "other") {
    return connection.finish_with(make_reply("404 Not Found", kText, "not found"));
  }
  on_session_url(connection, request);
}

bool Engine::answer_with_fault(Connection& connection, const Request& request,
                               std::string_view endpoint) {
  const auto* http_500 = faults_.find(Fault::Http500);
  if (http_500 != nullptr && concerns(*http_500, endpoint)) {
    connection.finish_with(make_reply("500 Internal Server Error", kText, "KeyError"));
    return true;
  }
  const auto* http_404 = faults_.find(Fault::Http404);
  if (http_404 != nullptr && concerns(*http_404, endpoint)) {
    connection.finish_with(make_reply("404 Not Found", kText, "not found"));
    return true;
  }
  return redirect(connection, request, endpoint);
}

bool Engine::redirect(Connection& connection, const Request& request, std::string_view endpoint) {
  const auto* value = faults_.find(Fault::Redirect);
  if (value == nullptr || !concerns(*value, endpoint)) return false;
  std::string_view how{*value};
  if (how.starts_with("playback:")) how.remove_prefix(std::string_view{"playback:"}.size());
  std::string location;
  if (how.starts_with("http")) {
    location = how;
  } else {
    const auto hop = std::atol(request.parameter("hop").c_str());
    if (how != "loop" && hop >= std::atol(std::string{how}.c_str())) return false;
    location = base_url(request) + request.path + "?";
    for (const auto& [name, text] : request.query) {
      if (name != "hop") location += name + "=" + text + "&";
    }
    location += fmt::format("hop={}", hop + 1);
  }
  connection.finish_with(make_reply("302 Found", kText, "", "Location: " + location + "\r\n"));
  return true;
}

void Engine::on_getstream(Connection& connection, const Request& request) {
  const bool wants_json = request.parameter("format") == "json";
  if (answer_with_fault(connection, request, "getstream")) return;
  const auto asked = asked_stream(request);
  const auto* no_content = faults_.find(Fault::NoContent);
  if (no_content != nullptr && *no_content == asked.id && asked.id != asked.infohash) {
    return answer_later(connection,
                        make_reply("200 OK", kJson, playback_error_json("failed to load content")));
  }
  const auto* error = faults_.find(Fault::ErrorJson);
  if (error != nullptr || asked.id.empty()) {
    const std::string text = error != nullptr ? *error : "missing content id";
    return answer_later(connection, wants_json
                                        ? make_reply("200 OK", kJson, playback_error_json(text))
                                        : make_reply("500 Internal Server Error", kText, text));
  }
  auto pid = request.parameter("pid");
  if (pid.empty()) pid = request.parameter("sid");
  auto& session = sessions_.open(asked.infohash, asked.id, pid, clock_.now());
  if (!session.source) {
    session.source = make_source_(session.infohash);
    log::info("session_opened", "engine={} infohash={} pid={}", address(), session.infohash, pid);
  }
  end_playbacks_of_ended_sessions();
  const auto base = base_url(request);
  answer_later(connection,
               wants_json
                   ? make_reply("200 OK", kJson, getstream_json(session, base, request, faults_))
                   : make_reply("302 Found", kText, "",
                                "Location: " + base + playback_path(session) + "\r\n"));
}

void Engine::answer_later(Connection& connection, std::string reply) {
  if (options_.start_delay.count() == 0 && !faults_.has(Fault::SlowJson)) {
    return connection.finish_with(reply);
  }
  delayed_.push_back({clock_.now() + options_.start_delay, connection.id(), std::move(reply)});
}

void Engine::on_session_url(Connection& connection, const Request& request) {
  // "/ace/<kind>/<infohash>/<key>"
  const auto kind_end = request.path.find('/', 5);
  const auto hash_end = request.path.find('/', kind_end + 1);
  const auto kind = request.path.substr(5, kind_end - 5);
  Session* session = nullptr;
  if (hash_end != std::string::npos) {
    session = sessions_.find(request.path.substr(kind_end + 1, hash_end - kind_end - 1),
                             request.path.substr(hash_end + 1));
  }
  if (kind == "r") return on_playback(connection, request, session);
  if (kind == "event") return on_event(connection, session);
  std::string json{kUnknownSession};
  if (session != nullptr && session->state == SessionState::Superseded) {
    json = playback_error_json("got newer download");
  } else if (session != nullptr && session->is_alive()) {
    if (kind == "cmd") return on_command(connection, request, session);
    json = stat_json(*session, faults_, clock_.wall_now());
  }
  connection.finish_with(make_reply("200 OK", kJson, json));
}

void Engine::on_playback(Connection& connection, const Request& request, Session* session) {
  if (answer_with_fault(connection, request, "playback")) return;
  if (session == nullptr || !session->is_alive()) {
    const bool is_superseded = session != nullptr && session->state == SessionState::Superseded;
    return connection.finish_with(make_reply("500 Internal Server Error", kText,
                                             is_superseded ? "got newer download" : "KeyError"));
  }
  if (request.method == "HEAD") return connection.finish_with(playback_head(options_.framing));
  if (session->connection) {
    playbacks_.erase(session->key);
    films_.erase(session->key);
    if (auto* older = find_connection(*session->connection)) older->close(CloseHow::Finish);
  }
  ++counts_.playbacks_opened;
  sessions_.attach(*session, connection.id());
  if (faults_.has(Fault::Vod)) {
    films_.emplace(session->key,
                   FilmPlayback{session->infohash, connection, faults_, request.range});
    return;
  }
  const auto ready_at = session->opened_at + options_.start_delay + options_.prebuffer;
  playbacks_.emplace(session->key, Playback{*session, connection, options_.framing, ready_at});
}

void Engine::on_command(Connection& connection, const Request& request, Session* session) {
  if (request.parameter("method") == "stop") {
    ++counts_.stops_received;
    log::info("session_stopped", "engine={} infohash={}", address(), session->infohash);
    sessions_.end(*session, SessionState::Stopped);
    end_playbacks_of_ended_sessions();
  }
  connection.finish_with(make_reply("200 OK", kJson, R"({"response":"ok","error":null})"));
}

void Engine::on_event(Connection& connection, Session* session) {
  if (session == nullptr) {
    return connection.finish_with(make_reply("200 OK", kJson, kUnknownSession));
  }
  if (!session->is_alive()) {
    return connection.finish_with(make_reply("200 OK", kJson, event_json(*session)));
  }
  session->event_waiters.push_back(connection.id());
}

void Engine::end_playbacks_of_ended_sessions() {
  for (auto& [key, session] : sessions_.by_key()) {
    if (session.is_alive()) continue;
    playbacks_.erase(key);
    films_.erase(key);
    if (session.connection) {
      if (auto* reader = find_connection(*session.connection)) reader->close(CloseHow::Finish);
      session.connection.reset();
    }
    for (const auto waiter : std::exchange(session.event_waiters, {})) {
      if (auto* waiting = find_connection(waiter)) {
        waiting->finish_with(make_reply("200 OK", kJson, event_json(session)));
      }
    }
  }
}

void Engine::tick(SteadyTime now) {
  reap_closed(now);
  sessions_.end_abandoned(now);
  end_playbacks_of_ended_sessions();
  for (auto& [key, playback] : playbacks_) {
    sessions_.count_sent(*sessions_.find_by_key(key), playback.pump(now, faults_));
    counts_.last_begin = std::max(counts_.last_begin, playback.begun_at().value_or(SteadyTime{}));
  }
  for (auto& [key, film] : films_) {
    sessions_.count_sent(*sessions_.find_by_key(key), film.pump(faults_));
  }
  std::vector<Delayed> waiting;
  for (auto& answer : std::exchange(delayed_, {})) {
    auto* connection = find_connection(answer.connection);
    if (answer.at > now) {
      waiting.push_back(std::move(answer));
    } else if (connection != nullptr) {
      if (faults_.has(Fault::SlowJson)) {
        connection->limit_rate(faults_.number(Fault::SlowJson, 1), now);
      }
      connection->finish_with(answer.reply);
    }
  }
  delayed_ = std::move(waiting);
  for (auto& [id, connection] : connections_) connection->tick(now);
}

template <class Kind>
void Engine::reap_closed(std::map<std::string, Kind>& playbacks, SteadyTime now) {
  for (auto at = playbacks.begin(); at != playbacks.end();) {
    if (!at->second.connection().is_closed()) {
      ++at;
      continue;
    }
    sessions_.detach(*sessions_.find_by_key(at->first), now);
    at = playbacks.erase(at);
  }
}

void Engine::reap_closed(SteadyTime now) {
  reap_closed(playbacks_, now);
  reap_closed(films_, now);
  std::erase_if(connections_, [](const auto& entry) { return entry.second->is_closed(); });
}

void Engine::set_fault(Fault fault, const std::string& value) {
  if (fault == Fault::Cut) {
    const auto how = value == "reset" ? CloseHow::Reset : CloseHow::Finish;
    for (auto& [key, playback] : playbacks_) {
      if (auto* reader = find_connection(playback.connection().id())) reader->close(how);
    }
    for (auto& [key, film] : films_) {
      if (auto* reader = find_connection(film.connection().id())) reader->close(how);
    }
    return;
  }
  faults_.set(fault, value);
  if (fault != Fault::Refuse) return;
  if (value == "reset") {
    open_listener();
  } else {
    listener_.close();
  }
}

void Engine::open_listener() {
  const auto opened = listener_.open();
  if (!opened) log::error("listen_failed", "{}", opened.error().text);
}

void Engine::clear_faults() {
  faults_.clear_all();
  open_listener();
}

Connection* Engine::find_connection(std::uint64_t id) {
  const auto at = connections_.find(id);
  return at == connections_.end() ? nullptr : at->second.get();
}

std::string Engine::base_url(const Request& request) const {
  if (const auto* lie = faults_.find(Fault::LieAddress)) {
    return "http://" + (lie->empty() ? std::string{"127.0.0.1:6878"} : *lie);
  }
  return "http://" + (request.host.empty() ? address() : request.host);
}

}  // namespace ace::sim
