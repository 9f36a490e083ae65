#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "proto/http/request.h"
#include "proto/http/response.h"
#include "proto/ids.h"
#include "shared/base/clock.h"
#include "workers/films/film_head.h"
#include "workers/streams/session/start_failure.h"

namespace ace::http {

/// Whole answers of this worker, each with its `X-Ace-Worker`.
class Answers {
 public:
  Answers(const proto::WorkerId& worker, const Clock& clock) : worker_{worker}, clock_{clock} {}

  [[nodiscard]] std::string json(const proto::http::Request& request, int status,
                                 std::string_view body) const;
  [[nodiscard]] std::string text(const proto::http::Request& request, int status,
                                 std::string_view content_type, std::string_view body) const;
  /// 200 with a page that is built for it; to HEAD nothing is.
  [[nodiscard]] std::string built(const proto::http::Request& request,
                                  std::string_view content_type,
                                  const std::function<std::string()>& build) const;
  [[nodiscard]] std::string error(const proto::http::Request& request, int status,
                                  std::string_view code, std::string_view message) const;
  /// To who did not show the key that this path asks for.
  [[nodiscard]] std::string unauthorized(const proto::http::Request& request) const;
  [[nodiscard]] std::string not_allowed(const proto::http::Request& request,
                                        std::string_view allowed) const;
  /// To OPTIONS: what the path takes, for people and for browsers that ask before they fetch.
  [[nodiscard]] std::string options(const proto::http::Request& request,
                                    std::string_view allowed) const;
  /// Names each engine that was tried. Closes the connection: it was to carry a stream.
  [[nodiscard]] std::string failure(const proto::http::Request& request,
                                    const streams::StartFailure& failure) const;
  /// The head of an answer that carries a film.
  [[nodiscard]] std::string film_head(const proto::http::Request& request,
                                      const films::FilmHead& film) const;
  /// The head of a stream; to HEAD it is the whole answer.
  [[nodiscard]] std::string stream_head(const proto::http::Request& request) const;

  [[nodiscard]] const proto::WorkerId& worker() const { return worker_; }

 private:
  [[nodiscard]] proto::http::ResponseHead head(const proto::http::Request& request,
                                               int status) const;

  const proto::WorkerId& worker_;
  const Clock& clock_;
};

}  // namespace ace::http
