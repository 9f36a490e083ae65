#include "workers/http/router.h"

#include <algorithm>
#include <utility>

namespace ace::http {

using proto::http::Method;
using proto::http::Request;

namespace {

constexpr std::string_view kReadMethods = "GET, HEAD, OPTIONS";

bool matches(std::string_view pattern, std::string_view path) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return path == pattern;
  const auto before = pattern.substr(0, star);
  const auto after = pattern.substr(star + 1);
  if (path.size() <= before.size() + after.size()) return false;
  if (!path.starts_with(before) || !path.ends_with(after)) return false;
  const auto name = path.substr(star, path.size() - before.size() - after.size());
  return name.find('/') == std::string_view::npos;
}

}  // namespace

void answer(Connection& connection, const Request& request, std::string text) {
  if (request.keep_alive) {
    connection.respond(std::move(text));
  } else {
    connection.respond_and_close(std::move(text));
  }
}

void Router::get(std::string path, Handler handler) {
  routes_.push_back({.path = std::move(path), .handler = std::move(handler)});
}

void Router::route(Connection& connection, Request request) const {
  const auto found = std::ranges::find_if(
      routes_, [&](const Route& route) { return matches(route.path, request.path()); });
  if (request.path() == "*") {  // the server as a whole, which only OPTIONS may ask for
    answer(connection, request, answers_.options(request, kReadMethods));
    return;
  }
  if (found == routes_.end()) {
    answer(connection, request, answers_.error(request, 404, "not_found", "there is nothing here"));
    return;
  }
  switch (request.method) {
    case Method::Get:
    case Method::Head:
      found->handler(connection, std::move(request));
      return;
    case Method::Options:
      answer(connection, request, answers_.options(request, kReadMethods));
      return;
    case Method::Post:
    case Method::Put:
    case Method::Patch:
    case Method::Delete:
    case Method::Other:
      answer(connection, request, answers_.not_allowed(request, kReadMethods));
      return;
  }
}

}  // namespace ace::http
