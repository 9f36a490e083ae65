#include "workers/http/router.h"

#include <algorithm>
#include <utility>

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
  if (get) all += "GET, HEAD, ";
  if (post) all += "POST, ";
  if (remove) all += "DELETE, ";
  return all + "OPTIONS";
}

Router::Route& Router::at(const std::string& path) {
  const auto found = std::ranges::find(routes_, path, &Route::path);
  if (found != routes_.end()) return *found;
  routes_.push_back({.path = path, .get = {}, .post = {}, .remove = {}});
  return routes_.back();
}

void Router::get(const std::string& path, Handler handler) { at(path).get = std::move(handler); }
void Router::post(const std::string& path, Handler handler) { at(path).post = std::move(handler); }
void Router::remove(const std::string& path, Handler handler) {
  at(path).remove = std::move(handler);
}

void Router::route(Connection& connection, Request request) const {
  if (request.path() == "*") {  // the server as a whole, which only OPTIONS may ask for
    answer(connection, request, answers_.options(request, kReadMethods));
    return;
  }
  const auto found = std::ranges::find_if(
      routes_, [&](const Route& route) { return matches(route.path, request.path()); });
  if (found == routes_.end()) {
    answer(connection, request, answers_.error(request, 404, "not_found", "there is nothing here"));
    return;
  }
  const Handler* handler = nullptr;
  switch (request.method) {
    case Method::Get:
    case Method::Head:
      handler = &found->get;
      break;
    case Method::Post:
      handler = &found->post;
      break;
    case Method::Delete:
      handler = &found->remove;
      break;
    case Method::Options:
      answer(connection, request, answers_.options(request, found->methods()));
      return;
    case Method::Put:
    case Method::Patch:
    case Method::Other:
      break;
  }
  if (handler == nullptr || !*handler) {
    answer(connection, request, answers_.not_allowed(request, found->methods()));
    return;
  }
  (*handler)(connection, std::move(request));
}

}  // namespace ace::http
