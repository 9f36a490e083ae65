#include "shared/curl/fetch.h"

#include <fmt/format.h>

#include <utility>

namespace ace::curl {

Fetch::Fetch(Multi& multi, loop::TimerFactory& timers, const Request& request, FetchLimits limits,
             Callback callback)
    : limits_{limits},
      callback_{std::move(callback)},
      deadline_{timers.make()},
      transfer_{
          std::make_unique<Transfer>(multi, request, static_cast<Transfer::Listener&>(*this))} {
  deadline_->once(limits_.deadline, [this] {  // a member: it cannot fire after this object
    finish(fail(Errc::Timeout, fmt::format("no answer in {} ms", limits_.deadline.count())));
  });
}

Phase Fetch::phase() const { return transfer_ ? transfer_->phase() : reached_; }

void Fetch::on_headers(const ResponseHead& head) {
  answer_.status = head.status;
  answer_.location = head.location;
  answer_.peer = head.peer;
}

Flow Fetch::on_bytes(ByteSpan bytes) {
  if (bytes.size() > limits_.bytes - answer_.body.size()) {
    finish(fail(Errc::TooLarge, fmt::format("answer of more than {} bytes", limits_.bytes)));
  } else {
    answer_.body.append(as_text(bytes));
  }
  return Flow::Continue;
}

void Fetch::on_done(const Outcome& outcome) {
  if (outcome.error) {
    finish(fail(*outcome.error));
  } else {
    finish(std::move(answer_));
  }
}

void Fetch::finish(Result<Answer> result) {
  reached_ = transfer_->phase();
  transfer_.reset();
  deadline_->stop();
  // Moved out first: the callback may destroy this object, and nothing is touched after it.
  const auto callback = std::exchange(callback_, nullptr);
  callback(std::move(result));
}

}  // namespace ace::curl
