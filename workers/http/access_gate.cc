#include "workers/http/access_gate.h"

#include "workers/http/router.h"

namespace ace::http {

bool AccessGate::needs_key(Access access) const {
  return access == Access::Change || (access == Access::Read && reads_ == Reads::Protected);
}

bool AccessGate::refuses(Connection& connection, const proto::http::Request& request,
                         Access access) const {
  if (access == Access::Change && is_from_foreign_page(request)) {
    answer(connection, request,
           answers_.error(request, 403, "foreign_page", "pages of other origins may only look"));
    return true;
  }
  if (!needs_key(access) || key_.admits(request)) return false;
  answer(connection, request, answers_.unauthorized(request));
  return true;
}

}  // namespace ace::http
