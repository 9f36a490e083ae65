#include "tests/e2e/stream/service.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>
#include <stdexcept>

#include "tests/support/metrics/metrics_page.h"
#include "tests/support/process/wait_until.h"

namespace ace::test {
namespace {

std::string text(const rapidjson::Value& object, const char* name) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd() || !member->value.IsString()) {
    throw std::runtime_error{fmt::format("no text \"{}\" in the proxy's answer", name)};
  }
  return {member->value.GetString(), member->value.GetStringLength()};
}

std::uint64_t number(const rapidjson::Value& object, const char* name) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd() || !member->value.IsUint64()) {
    throw std::runtime_error{fmt::format("no number \"{}\" in the proxy's answer", name)};
  }
  return member->value.GetUint64();
}

}  // namespace

std::string stream_id(unsigned number) { return fmt::format("{:040x}", 0xace0000U + number); }

std::string stream_target(std::string_view id) { return fmt::format("/ace/getstream?id={}", id); }

std::string stream_key(std::string_view id, std::string_view what) {
  return fmt::format("ace_proxy:stream:{}:{}", id, what);
}

Service::Service(const ServiceOptions& options)
    : engines_{{.engines = options.engines,
                .bitrate = options.bitrate,
                .source = options.source,
                .arguments = options.engine_arguments}},
      environment_{options.environment} {
  environment_.try_emplace("ACE_ENGINES", engines_.engine_list());
  // Most tests start many streams, all of one address.
  environment_.try_emplace("PROXY_START_DELAY", "0ms");
  environment_.try_emplace("PROXY_MAX_STARTS_PER_ADDRESS", "0");
  // What else runs in this machine's control group is no business of a test's.
  if (!environment_.contains("PROXY_CONFIG")) environment_.try_emplace("PROXY_MEMORY_LIMIT", "0");
  environment_["PROXY_WORKERS"] = std::to_string(options.workers);
  environment_.try_emplace("REDIS_SOCKET", dir_.file("nobody"));
  if (options.redis == RedisIs::There) {
    redis_.emplace();
    environment_["REDIS_SOCKET"] = redis_->endpoint().socket;
  }
  start_proxy();
}

void Service::start_proxy() {
  proxy_.emplace(environment_);
  if (!redis_ || environment_.contains("PROXY_API_PROTECT_READS")) return;
  // Workers that wait for Redis too long serve without it, and say that they are ready.
  const auto all_have_redis = [this] {
    const auto rows = json_of(get("/workers").body);
    return std::ranges::all_of(rows.GetArray(),
                               [](const auto& row) { return row["redis_is_up"].GetBool(); });
  };
  if (!wait_until(all_have_redis, std::chrono::seconds{20})) {
    throw std::runtime_error{"a worker does not reach Redis, the proxy's log:\n" + proxy().log()};
  }
}

void Service::restart_proxy() {
  // The supervisor must neither replace its workers nor tell them that it is gone.
  const auto rows = workers();
  proxy_->process().signal(SIGSTOP);
  for (const auto& row : rows) ::kill(row.pid, SIGKILL);
  proxy_.reset();
  start_proxy();
}

std::vector<WorkerRow> Service::workers() const {
  const auto json = json_of(get("/workers").body);
  std::vector<WorkerRow> rows;
  for (const auto& worker : json.GetArray()) {
    rows.push_back({.id = text(worker, "id"),
                    .slot = number(worker, "slot"),
                    .pid = static_cast<pid_t>(number(worker, "pid")),
                    .phase = text(worker, "phase"),
                    .clients = number(worker, "clients"),
                    .owned_streams = number(worker, "owned_streams"),
                    .bytes_from_engines = number(worker, "bytes_from_engines"),
                    .chunks_fetched = number(worker, "chunks_fetched")});
  }
  return rows;
}

std::uint64_t Service::worker_restarts() const {
  const auto page = get("/metrics").body;
  return static_cast<std::uint64_t>(MetricsPage{page}.value("ace_proxy_worker_restarts_total"));
}

WorkerRow Service::owner() const {
  const auto rows = workers();
  const auto owns = [](const WorkerRow& row) { return row.owned_streams > 0; };
  if (std::ranges::count_if(rows, owns) != 1) throw std::runtime_error{"not one owner"};
  return *std::ranges::find_if(rows, owns);
}

std::vector<StreamRow> Service::started_streams() const {
  const auto json = json_of(get("/streams?status=started").body);
  std::vector<StreamRow> rows;
  for (const auto& stream : json.GetArray()) {
    rows.push_back({.key = text(stream, "key"),
                    .container_id = text(stream, "container_id"),
                    .status = text(stream, "status"),
                    .owner = text(stream, "owner"),
                    .clients = number(stream, "clients")});
  }
  return rows;
}

HttpReply Service::get(std::string_view target) const {
  return http_request(port(), "GET", target, {}, {.timeout = std::chrono::seconds{15}});
}

bool Service::every_worker(std::string_view target,
                           const std::function<bool(const HttpReply&)>& is_right,
                           std::chrono::milliseconds timeout) const {
  const auto count = workers().size();
  std::set<std::string> right;
  const auto all_are = [&] {
    const auto reply = get(target);
    const auto worker = reply.headers.find("x-ace-worker").value_or("");
    if (worker.empty()) return false;
    if (is_right(reply)) {
      right.insert(worker);
    } else {
      right.erase(worker);
    }
    return right.size() == count;
  };
  return wait_until(all_are, timeout);
}

redis::Reply Service::redis(const std::vector<std::string>& command) const {
  auto reply = redis_.value().command(command);
  if (!reply) throw std::runtime_error{command.front() + ": " + reply.error().text};
  return std::move(*reply);
}

std::int64_t Service::redis_number(const std::vector<std::string>& command) const {
  return redis(command).as_integer().value_or(0);
}

std::size_t Service::redis_count(const std::vector<std::string>& command) const {
  return redis(command).elements.size();
}

std::uint64_t Service::redis_info(const std::string& section, std::string_view name) const {
  const auto all = redis({"INFO", section}).text;
  const auto wanted = fmt::format("\n{}:", name);
  const auto at = all.find(wanted);
  std::uint64_t figure = 0;
  if (at == std::string::npos) throw std::runtime_error{"INFO has no " + std::string{name}};
  std::from_chars(all.data() + at + wanted.size(), all.data() + all.size(), figure);
  return figure;
}

bool all_served(Viewers& viewers, std::chrono::milliseconds timeout) {
  const auto are_served = [&] {
    for (std::size_t i = 0; i < viewers.size(); ++i) {
      if (viewers.at(i).bytes() == 0 || viewers.at(i).status() != 200) return false;
    }
    return true;
  };
  return viewers.run_until(are_served, timeout);
}

rapidjson::Document json_of(std::string_view body) {
  rapidjson::Document json;
  json.Parse<rapidjson::kParseIterativeFlag>(body.data(), body.size());
  if (json.HasParseError()) throw std::runtime_error{"not JSON: " + std::string{body}};
  return json;
}

std::size_t count_events(const std::string& log, std::string_view event) {
  // "2026-01-08T12:00:00.123Z warn  worker:0 redis_down …"
  std::size_t count = 0;
  std::istringstream lines{log};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words{line};
    std::string time;
    std::string level;
    std::string process;
    std::string name;
    words >> time >> level >> process >> name;
    if (name == event) ++count;
  }
  return count;
}

}  // namespace ace::test
