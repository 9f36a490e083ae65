#include "shared/curl/multi.h"

#include <utility>

#include "shared/base/check.h"
#include "shared/curl/multi_state.h"
#include "shared/curl/transfer_state.h"

namespace ace::curl {
namespace {

CURLM* make_multi() {
  static const CURLcode kReady = curl_global_init(CURL_GLOBAL_DEFAULT);
  ACE_CHECK(kReady == CURLE_OK, "libcurl can be initialised");
  CURLM* multi = curl_multi_init();
  ACE_CHECK(multi != nullptr, "libcurl can make a multi handle");
  return multi;
}

TransferState* transfer_of(CURL* easy) {
  char* user{};
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &user);
  return reinterpret_cast<TransferState*>(user);
}

}  // namespace

MultiState::MultiState(loop::Loop& loop, loop::TimerFactory& timers)
    : loop_{loop}, timer_{timers.make()}, multi_{make_multi()} {
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &MultiState::on_socket);
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &MultiState::on_timer);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
}

MultiState::~MultiState() {
  ACE_CHECK(active_.empty() && depth_ == 0, "every transfer ends before its multi");
  multi_.reset();  // it may still speak to the callbacks above
}

int MultiState::on_socket(CURL* easy, curl_socket_t fd, int what, void* user, void*) noexcept {
  if (auto* const transfer = transfer_of(easy)) {
    transfer->set_socket(what == CURL_POLL_REMOVE ? -1 : fd);
  }
  static_cast<MultiState*>(user)->watch(fd, what);
  return 0;
}

int MultiState::on_timer(CURLM*, long timeout_ms, void* user) noexcept {
  auto* const self = static_cast<MultiState*>(user);
  if (timeout_ms < 0) {
    self->timer_->stop();
    return 0;
  }
  // Even 0 goes through the loop: libcurl refuses to be called back from here. The timer is a
  // member, so its callback cannot outlive this object.
  self->timer_->once(std::chrono::milliseconds{timeout_ms}, [self] {
    self->run([](CURLM* multi) {
      int running{};
      curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    });
  });
  return 0;
}

void MultiState::watch(int fd, int what) {
  if (what == CURL_POLL_REMOVE) {
    sockets_.erase(fd);
    return;
  }
  auto& socket = sockets_[fd];
  socket.wanted = what;
  if (!socket.watcher) {
    socket.watcher = std::make_unique<loop::FdWatcher>(
        loop_, fd, [this, fd](loop::FdEvents events) { on_ready(fd, events); });
  }
  socket.watcher->watch((what & CURL_POLL_IN) != 0, (what & CURL_POLL_OUT) != 0);
}

void MultiState::on_ready(int fd, loop::FdEvents events) {
  const int mask = (events.readable ? CURL_CSELECT_IN : 0) |
                   (events.writable ? CURL_CSELECT_OUT : 0) |
                   (events.failed ? CURL_CSELECT_ERR : 0);
  run([fd, mask](CURLM* multi) {
    int running{};
    curl_multi_socket_action(multi, fd, mask, &running);
  });
  if (!events.failed) return;
  // The failure stopped the watcher, and libcurl says nothing as long as its wish is the same.
  const auto socket = sockets_.find(fd);
  if (socket != sockets_.end()) watch(fd, socket->second.wanted);
}

void MultiState::run(const std::function<void(CURLM*)>& call) {
  ++depth_;
  call(multi_.get());
  --depth_;
  settle();
}

void MultiState::add(std::shared_ptr<TransferState> transfer) {
  if (depth_ > 0) {
    additions_.push_back(std::move(transfer));
    return;
  }
  active_.insert(transfer.get());
  const auto code = curl_multi_add_handle(multi_.get(), transfer->raw());
  ACE_CHECK(code == CURLM_OK, "a fresh handle can be added");
}

void MultiState::remove(const std::shared_ptr<TransferState>& transfer) {
  if (depth_ > 0) {
    removals_.push_back(transfer);
  } else if (active_.erase(transfer.get()) > 0) {
    curl_multi_remove_handle(multi_.get(), transfer->raw());
  }
}

void MultiState::settle() {
  if (depth_ > 0) return;
  for (const auto& transfer : std::exchange(removals_, {})) remove(transfer);
  for (auto& transfer : std::exchange(additions_, {})) {
    if (!transfer->is_aborted()) add(std::move(transfer));
  }
  finish_done();
}

void MultiState::finish_done() {
  int left{};
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;  // the message dies with the removal
    const auto transfer = transfer_of(message->easy_handle)->shared_from_this();
    remove(transfer);
    transfer->finish(code);
  }
}

Multi::Multi(loop::Loop& loop, loop::TimerFactory& timers)
    : state_{std::make_shared<MultiState>(loop, timers)} {}

Multi::~Multi() { std::exchange(state_->jobs, {}).clear(); }

void Multi::keep(std::shared_ptr<void> job) {
  const void* const key = job.get();
  state_->jobs.emplace(key, std::move(job));
}

void Multi::drop(const void* job) {
  const auto node = state_->jobs.extract(job);  // ends after the map is whole again
}

std::size_t Multi::kept() const { return state_->jobs.size(); }

loop::Loop& Multi::loop() const { return state_->loop(); }

}  // namespace ace::curl
