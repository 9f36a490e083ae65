#include "workers/http/log_handler.h"

#include <fmt/format.h>

#include "shared/log/log.h"
#include "workers/http/router.h"

namespace ace::http {

using proto::http::Request;

void LogHandler::show(Connection& connection, const Request& request) const {
  answer(connection, request,
         answers_.json(request, 200,
                       fmt::format(R"({{"level":"{}"}})", log::to_string(log::level()))));
}

void LogHandler::change(Connection& connection, const Request& request) const {
  const auto level = log::parse_level(request.query("level").value_or(std::string_view{}));
  if (!level) {
    answer(connection, request,
           answers_.error(request, 400, "bad_level",
                          fmt::format("level is one of {}", fmt::join(log::kLevelWords, ", "))));
    return;
  }
  const auto before = log::level();
  log::set_level(*level);
  // Whatever the level is: who reads the log must know why it changes.
  log::write(log::Level::Warn, "log_level_changed",
             fmt::format("request={} from={} to={}", request.id, log::to_string(before),
                         log::to_string(*level)));
  show(connection, request);
}

}  // namespace ace::http
