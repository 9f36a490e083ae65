#include "workers/http/control_gate.h"

#include "workers/http/router.h"

namespace ace::http {

bool ControlGate::refuses(Connection& connection, const proto::http::Request& request) const {
  if (is_from_foreign_page(request)) {
    answer(connection, request,
           answers_.error(request, 403, "foreign_page", "pages of other origins may only look"));
    return true;
  }
  if (key_.admits(request)) return false;
  answer(connection, request, answers_.unauthorized(request));
  return true;
}

}  // namespace ace::http
