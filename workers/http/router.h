#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/http/answers.h"
#include "workers/http/connection.h"

namespace ace::http {

/// Path and method → handler. Everything it has no handler for it answers itself: 404, 405 with
/// Allow, OPTIONS. HEAD goes where GET goes.
class Router {
 public:
  /// Whether who asks may; if not, it has been answered. Asked before the body is read, and again
  /// when the request is whole.
  using Gate = std::function<bool(Connection&, const proto::http::Request&)>;
  /// Answers the request, or takes its socket. HEAD included: whole answers leave the body out.
  using Handler = std::function<void(Connection&, proto::http::Request)>;

  explicit Router(const Answers& answers) : answers_{answers} {}

  /// Get, which takes HEAD too, Post or Delete. A `*` in a segment stands for its name, or a part
  /// of it. Of two paths that match, the first one given counts.
  void add(std::string_view path, proto::http::Method method, Gate gate, Handler handler);
  /// Whether somebody wants the body behind this head; if not, the head has been answered.
  [[nodiscard]] bool admits(Connection& connection, const proto::http::Request& head) const {
    return admitted(connection, head) != nullptr;
  }
  void route(Connection& connection, proto::http::Request request) const;

 private:
  struct Entry {
    Gate gate;
    Handler handler;
  };
  struct Route {
    std::string path;
    Entry get;
    Entry post;
    Entry remove;
    [[nodiscard]] std::string methods() const;  ///< as Allow names them
  };
  [[nodiscard]] Route& at(std::string_view path);
  /// Null: it has been answered.
  [[nodiscard]] const Entry* admitted(Connection& connection,
                                      const proto::http::Request& request) const;

  const Answers& answers_;
  std::vector<Route> routes_;
};

/// Sends a whole answer and keeps the connection if the request allows it.
void answer(Connection& connection, const proto::http::Request& request, std::string text);

}  // namespace ace::http
