#include <fmt/format.h>
#include <rapidjson/pointer.h>
#include <rapidjson/schema.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;
using rapidjson::Document;
using rapidjson::Value;

namespace {

/// The document that a running proxy hands out, to measure its answers with.
class Description {
 public:
  explicit Description(const Service& service) {
    const auto reply = service.get("/openapi.json");
    REQUIRE(reply.status == 200);
    document_.CopyFrom(json_of(reply.body), document_.GetAllocator());
    while (put_one_in(document_)) {
    }
  }

  /// What is wrong with the reply to `method` `path` (as the document writes it); empty: nothing.
  [[nodiscard]] std::string fault_of(const std::string& path, const char* method,
                                     const HttpReply& reply) const {
    const auto status = std::to_string(reply.status);
    const auto* operation = at(&document_, {"paths", path, method});
    if (operation == nullptr) return "no such operation";
    const auto* response = at(operation, {"responses", status});
    if (response == nullptr) return status + " is not described";
    const auto content_type = reply.headers.find("content-type").value_or("");
    const auto type = content_type.substr(0, content_type.find(';'));
    const auto* schema = at(response, {"content", type, "schema"});
    if (schema == nullptr) return type + " is not described for " + status;
    return type == "application/json" ? mismatch(*schema, reply.body) : "";
  }

 private:
  static const Value* at(const Value* value, const std::vector<std::string>& names) {
    for (const auto& name : names) {
      const auto found = value->FindMember(name.c_str());
      if (found == value->MemberEnd()) return nullptr;
      value = &found->value;
    }
    return value;
  }

  /// Replaces one reference by what it leads to; false: there is none left.
  bool put_one_in(Value& value) {
    if (value.IsArray()) {
      for (auto& item : value.GetArray()) {
        if (put_one_in(item)) return true;
      }
    }
    if (!value.IsObject()) return false;
    if (const auto ref = value.FindMember("$ref"); ref != value.MemberEnd()) {
      const auto* target = rapidjson::Pointer{ref->value.GetString()}.Get(document_);
      REQUIRE(target != nullptr);
      Value copy{*target, document_.GetAllocator()};
      value = copy;
      return true;
    }
    for (auto& member : value.GetObject()) {
      if (put_one_in(member.value)) return true;
    }
    return false;
  }

  static std::string mismatch(const Value& schema, const std::string& body) {
    Document only;
    only.CopyFrom(schema, only.GetAllocator());
    const rapidjson::SchemaDocument compiled{only};
    rapidjson::SchemaValidator validator{compiled};
    if (json_of(body).Accept(validator)) return "";
    rapidjson::StringBuffer at;
    validator.GetInvalidDocumentPointer().StringifyUriFragment(at);
    return fmt::format("{} breaks \"{}\" in {}", at.GetString(),
                       validator.GetInvalidSchemaKeyword(), body);
  }

  Document document_;
};

struct World {
  Service service{{.workers = 2,
                   .engines = 2,
                   .environment = {{"API_KEY", "sesame"},
                                   {"MAX_STREAMS_PER_ENGINE", "1"},
                                   {"PROXY_ENGINE_CHECK_INTERVAL", "100ms"}}}};
  Description description{service};

  /// Asks, and measures the answer. `target`: what `path` is with its parts filled in.
  HttpReply ask(const char* method, const std::string& path, const std::string& target,
                const HeaderList& headers = {{"Authorization", "Bearer sesame"}}) const {
    std::string verb{method};
    std::ranges::transform(verb, verb.begin(), [](char c) { return static_cast<char>(c - 32); });
    auto reply = http_request(service.port(), verb, target, headers,
                              {.timeout = 10s, .max_body = 1U << 20U});
    INFO(verb << " " << target << " " << reply.body);
    CHECK(description.fault_of(path, method, reply) == "");
    return reply;
  }
};

}  // namespace

TEST_CASE("a quiet proxy answers as its document says", "[openapi]") {
  const World world;
  CHECK(wait_until([&] { return world.ask("get", "/readyz", "/readyz").status == 200; }, 10s));
  for (const auto* path : {"/healthz", "/version", "/openapi.json", "/log", "/metrics", "/workers",
                           "/streams", "/engines"}) {
    CHECK(world.ask("get", path, path).status == 200);
  }
  CHECK(world.ask("get", "/streams", "/streams?status=some").status == 400);
  CHECK(world.ask("get", "/streams/{id}", "/streams/" + stream_id(9)).status == 404);
  CHECK(world.ask("get", "/ace/getstream", "/ace/getstream").status == 400);
  CHECK(world.ask("post", "/log", "/log?level=info").status == 200);
  CHECK(world.ask("post", "/log", "/log?level=x").status == 400);
  CHECK(world.ask("post", "/log", "/log?level=info", {}).status == 401);
  CHECK(world.ask("post", "/log", "/log?level=info", {{"Origin", "http://x"}}).status == 403);
  CHECK(world.ask("delete", "/engines", "/engines").status == 400);
  CHECK(world.ask("delete", "/engines", "/engines?name=x").status == 404);
  CHECK(world.ask("post", "/engines", "/engines").status == 400);
  CHECK(world.ask("post", "/engines/{name}/drain", "/engines/x/drain").status == 404);
  const auto no_stream = "/streams/" + stream_id(9);
  CHECK(world.ask("delete", "/streams/{id}", no_stream).status == 404);
  CHECK(world.ask("post", "/streams/{id}/migrate", no_stream + "/migrate").status == 404);
  CHECK(world.ask("delete", "/streams/{id}/clients/{client}", no_stream + "/clients/x").status ==
        404);
}

TEST_CASE("a proxy with streams answers as its document says", "[openapi]") {
  World world;
  Viewers viewers{world.service.port()};
  viewers.open(2, stream_target(stream_id(1)));
  viewers.open(1, stream_target(stream_id(2)));
  REQUIRE(all_served(viewers, 10s));
  const auto stream = "/streams/" + stream_id(1);
  CHECK(world.ask("get", "/streams", "/streams").status == 200);
  CHECK(world.ask("get", "/workers", "/workers").status == 200);
  const auto page = [&] { return json_of(world.ask("get", "/streams/{id}", stream).body); };
  REQUIRE(wait_until([&] { return page()["client_list"].Size() == 2; }, 10s));
  CHECK(wait_until([&] { return world.ask("get", "/readyz", "/readyz").status == 503; }, 10s));
  const auto full = world.ask("get", "/ace/getstream", stream_target(stream_id(3)));
  CHECK(full.status == 503);

  // An engine that fails has a last error; the list is of engines with and without.
  world.service.engines().fault("refuse", "", 1);
  CHECK(wait_until(
      [&] {
        const auto engines = json_of(world.ask("get", "/engines", "/engines").body);
        return std::ranges::any_of(engines.GetArray(), [](const Value& engine) {
          return engine["last_error"].IsObject();
        });
      },
      10s));
  world.service.engines().clear_faults(1);

  const auto engine =
      std::string{json_of(world.service.get("/engines").body)[0]["name"].GetString()};
  const auto drain = "/engines/" + engine + "/drain";
  CHECK(world.ask("post", "/engines/{name}/drain", drain).status == 200);
  CHECK(world.ask("post", "/streams/{id}/migrate", stream + "/migrate?engine=" + engine).status ==
        409);
  CHECK(world.ask("delete", "/engines/{name}/drain", drain).status == 200);
  const auto client = std::string{page()["client_list"][0]["id"].GetString()};
  CHECK(
      world.ask("delete", "/streams/{id}/clients/{client}", stream + "/clients/" + client).status ==
      202);
  CHECK(world.ask("post", "/streams/{id}/migrate", stream + "/migrate").status == 202);
  CHECK(world.ask("delete", "/streams/{id}", stream).status == 202);
}

TEST_CASE("a page that tells of a stall is as the document says", "[openapi]") {
  const World world;
  Viewers viewers{world.service.port()};
  viewers.open(1, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 10s));
  for (const std::size_t engine : {0U, 1U}) world.service.engines().fault("stall", "", engine);
  const auto is_told = [&] {
    const auto page = json_of(world.ask("get", "/streams/{id}", "/streams/" + stream_id(1)).body);
    const auto& clients = page["client_list"];
    return page.HasMember("stall") && clients.Size() == 1 && clients[0].HasMember("stall");
  };
  CHECK(viewers.run_until(is_told, 30s));
}

TEST_CASE("a proxy with a film answers as its document says", "[openapi]") {
  const World world;
  // More than sockets hold, so that its viewer is still there.
  for (const std::size_t engine : {0U, 1U}) {
    world.service.engines().fault("vod", "24000000", engine);
  }
  const auto viewer = connect_loopback(world.service.port());
  const auto request =
      fmt::format("GET {} HTTP/1.1\r\nHost: p\r\n\r\n", stream_target(stream_id(1)));
  REQUIRE(::send(viewer.get(), request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size()));
  const auto film = "/streams/" + stream_id(1);
  REQUIRE(wait_until(
      [&] {
        const auto reply = world.service.get(film);
        return reply.status == 200 && json_of(reply.body)["client_list"].Size() == 1 &&
               json_of(reply.body)["kind"] == "vod";
      },
      15s));
  CHECK(world.ask("get", "/streams/{id}", film).status == 200);
  CHECK(world.ask("get", "/streams", "/streams").status == 200);
  CHECK(world.ask("post", "/streams/{id}/migrate", film + "/migrate").status == 409);
  CHECK(world.ask("delete", "/streams/{id}/clients/{client}", film + "/clients/x").status == 404);
  CHECK(world.ask("delete", "/streams/{id}", film).status == 202);
}
