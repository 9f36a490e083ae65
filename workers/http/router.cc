#include "workers/http/router.h"

#include <algorithm>
#include <utility>

#include "shared/base/check.h"

namespace ace::http {

using proto::http::Method;
using proto::http::Request;

namespace {

/// Of the server as a whole.
constexpr std::string_view kReadMethods = "GET, HEAD, OPTIONS";

bool matches(std::string_view pattern, std::string_view path) {
  for (;;) {
    const auto star = pattern.find('*');
    if (star == std::string_view::npos) return path == pattern;
    if (!path.starts_with(pattern.substr(0, star))) return false;
    pattern.remove_prefix(star + 1);
    path.remove_prefix(star);
    const auto segment = path.substr(0, path.find('/'));
    const auto rest = pattern.substr(0, pattern.find('/'));
    if (segment.size() <= rest.size() || !segment.ends_with(rest)) return false;
    path.remove_prefix(segment.size() - rest.size());
  }
}

/// Where a route keeps the entry of a method; null for what no path takes.
template <class Route, class Entry>
Entry Route::*place_of(Method method) {
  switch (method) {
    case Method::Get:
    case Method::Head:
      return &Route::get;
    case Method::Post:
      return &Route::post;
    case Method::Delete:
      return &Route::remove;
    case Method::Options:
    case Method::Put:
    case Method::Patch:
    case Method::Other:
      break;
  }
  return nullptr;
}

}  // namespace

void answer(Connection& connection, const Request& request, std::string text) {
  if (request.keep_alive) {
    connection.respond(std::move(text));
  } else {
    connection.respond_and_close(std::move(text));
  }
}

std::string Router::Route::methods() const {
  std::string all;
  if (get.handler) all += "GET, HEAD, ";
  if (post.handler) all += "POST, ";
  if (remove.handler) all += "DELETE, ";
  return all + "OPTIONS";
}

Router::Route& Router::at(std::string_view path) {
  const auto found = std::ranges::find(routes_, path, &Route::path);
  if (found != routes_.end()) return *found;
  routes_.push_back({.path = std::string{path}, .get = {}, .post = {}, .remove = {}});
  return routes_.back();
}

void Router::add(std::string_view path, Method method, Gate gate, Handler handler) {
  const auto place = place_of<Route, Entry>(method);
  ACE_CHECK(place != nullptr, "a path is got, posted to or deleted");
  at(path).*place = {.gate = std::move(gate), .handler = std::move(handler)};
}

const Router::Entry* Router::admitted(Connection& connection, const Request& request) const {
  if (request.path() == "*") {  // the server as a whole, which only OPTIONS may ask for
    answer(connection, request, answers_.options(request, kReadMethods));
    return nullptr;
  }
  const auto found = std::ranges::find_if(
      routes_, [&](const Route& route) { return matches(route.path, request.path()); });
  if (found == routes_.end()) {
    answer(connection, request, answers_.error(request, 404, "not_found", "there is no such path"));
    return nullptr;
  }
  if (request.method == Method::Options) {
    answer(connection, request, answers_.options(request, found->methods()));
    return nullptr;
  }
  const auto place = place_of<Route, Entry>(request.method);
  if (place == nullptr || !((*found).*place).handler) {
    answer(connection, request, answers_.not_allowed(request, found->methods()));
    return nullptr;
  }
  const auto& entry = (*found).*place;
  return entry.gate(connection, request) ? &entry : nullptr;
}

void Router::route(Connection& connection, Request request) const {
  const auto* const entry = admitted(connection, request);
  if (entry != nullptr) entry->handler(connection, std::move(request));
}

}  // namespace ace::http
