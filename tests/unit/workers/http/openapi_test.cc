#include <rapidjson/document.h>
#include <rapidjson/pointer.h>

#include <functional>
#include <map>
#include <set>
#include <string>

#include <catch2/catch.hpp>

#include "workers/http/endpoints.h"
#include "workers/http/openapi_page.h"

using ace::http::Access;
using ace::http::Endpoints;
using ace::proto::http::Method;
using rapidjson::Value;

namespace {

const rapidjson::Document& document() {
  static const rapidjson::Document the_document = [] {
    rapidjson::Document parsed;
    const auto page = ace::http::openapi_page();
    parsed.Parse<rapidjson::kParseValidateEncodingFlag>(page.data(), page.size());
    return parsed;
  }();
  return the_document;
}

std::string text(const Value& value) { return {value.GetString(), value.GetStringLength()}; }

/// "/streams/{id}" → "/streams/*", as the router writes it.
std::string as_route(std::string path) {
  for (auto at = path.find('{'); at != std::string::npos; at = path.find('{')) {
    path.replace(at, path.find('}') - at + 1, "*");
  }
  return path;
}

std::string as_method(Method method) {
  if (method == Method::Post) return "post";
  return method == Method::Delete ? "delete" : "get";
}

using Operations = std::map<std::string, const Value*>;

/// "get /streams/*" → what the document says of it.
Operations operations() {
  Operations all;
  for (const auto& path : document()["paths"].GetObject()) {
    for (const auto& operation : path.value.GetObject()) {
      all[text(operation.name) + " " + as_route(text(path.name))] = &operation.value;
    }
  }
  return all;
}

void each_value(const Value& value, const std::function<void(const Value&)>& visit) {
  visit(value);
  if (value.IsArray()) {
    for (const auto& item : value.GetArray()) each_value(item, visit);
  } else if (value.IsObject()) {
    for (const auto& member : value.GetObject()) each_value(member.value, visit);
  }
}

}  // namespace

TEST_CASE("the document describes every path and method there is, and no other", "[openapi]") {
  REQUIRE_FALSE(document().HasParseError());
  CHECK(text(document()["openapi"]) == "3.1.0");
  CHECK(text(document()["info"]["version"]).find('@') == std::string::npos);
  std::set<std::string> described;
  for (const auto& [name, operation] : operations()) described.insert(name);
  std::set<std::string> served;
  for (const auto& row : Endpoints::table()) {
    served.insert(as_method(row.method) + " " + std::string{row.path});
  }
  CHECK(described == served);
}

TEST_CASE("the document says truly who needs the key", "[openapi]") {
  const auto all = operations();
  for (const auto& row : Endpoints::table()) {
    const auto name = as_method(row.method) + " " + std::string{row.path};
    INFO(name);
    const auto& operation = *all.at(name);
    const bool has_security = operation.HasMember("security");
    CHECK(has_security == (row.access == Access::Read || row.access == Access::Change));
    CHECK(operation["responses"].HasMember("401") == has_security);
    CHECK(operation["responses"].HasMember("403") ==
          (row.access == Access::Stream || row.access == Access::Change));
    if (!has_security) continue;
    // The empty one: it also goes without.
    const bool is_optional = operation["security"][0].ObjectEmpty();
    CHECK(is_optional == (row.access == Access::Read));
  }
}

TEST_CASE("every reference leads somewhere, and everything is used", "[openapi]") {
  std::set<std::string> used;
  each_value(document(), [&](const Value& value) {
    if (!value.IsObject() || !value.HasMember("$ref")) return;
    const auto target = text(value["$ref"]);
    INFO(target);
    REQUIRE(target.starts_with("#/components/"));
    CHECK(rapidjson::Pointer{target.c_str()}.Get(document()) != nullptr);
    used.insert(target);
  });
  for (const auto* kind : {"schemas", "responses"}) {
    for (const auto& component : document()["components"][kind].GetObject()) {
      const auto name = std::string{"#/components/"} + kind + "/" + text(component.name);
      INFO(name);
      CHECK(used.contains(name));
    }
  }
}

TEST_CASE("each operation has a name of its own and declares its path's parts", "[openapi]") {
  std::set<std::string> names;
  for (const auto& path : document()["paths"].GetObject()) {
    for (const auto& entry : path.value.GetObject()) {
      const auto& operation = entry.value;
      INFO(text(entry.name) << " " << text(path.name));
      CHECK(names.insert(text(operation["operationId"])).second);
      CHECK(operation["summary"].GetStringLength() > 0);
      std::set<std::string> declared;
      if (operation.HasMember("parameters")) {
        for (const auto& parameter : operation["parameters"].GetArray()) {
          if (text(parameter["in"]) == "path") declared.insert("{" + text(parameter["name"]) + "}");
        }
      }
      std::set<std::string> parts;
      const auto template_ = text(path.name);
      for (auto at = template_.find('{'); at != std::string::npos;
           at = template_.find('{', at + 1)) {
        parts.insert(template_.substr(at, template_.find('}', at) - at + 1));
      }
      CHECK(declared == parts);
    }
  }
}
