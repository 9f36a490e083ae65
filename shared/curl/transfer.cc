#include "shared/curl/transfer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <strings.h>

#include <charconv>
#include <utility>

#include "shared/curl/multi.h"
#include "shared/curl/multi_state.h"
#include "shared/curl/transfer_state.h"

namespace ace::curl {
namespace {

/// One read of the socket, and memory that each transfer has for as long as it runs. Enough for
/// films; live media is not read by libcurl.
constexpr long kReceiveBufferBytes = 64L * 1024;

/// An engine that comes back under another address is found there at once. libcurl would believe an
/// address for a minute, however often it refuses; so long it serves a burst of requests.
constexpr long kNameSeconds = 1;

/// This libcurl keeps every header line of an answer, without a limit of its own.
constexpr std::size_t kMaxHeaderBytes = 64U << 10U;

Errc kind_of(CURLcode code, Phase phase) {
  // A connection that is swallowed is nobody there, as one that is refused.
  if (code == CURLE_OPERATION_TIMEDOUT && phase == Phase::Connecting) return Errc::Unavailable;
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_INTERFACE_FAILED:
      return Errc::Unavailable;
    case CURLE_OPERATION_TIMEDOUT:
      return Errc::Timeout;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
      return Errc::Closed;
    case CURLE_URL_MALFORMAT:
      return Errc::InvalidArgument;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
      return Errc::Protocol;
    default:
      return Errc::System;
  }
}

/// `value` of "Name: value" when the line's name is that one.
std::optional<std::string_view> header_value(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':') return std::nullopt;
  if (::strncasecmp(line.data(), name.data(), name.size()) != 0) return std::nullopt;
  auto value = line.substr(name.size() + 1);
  const auto first = value.find_first_not_of(" \t");
  if (first == std::string_view::npos) return std::string_view{};
  const auto last = value.find_last_not_of(" \t");
  return value.substr(first, last - first + 1);
}

int status_of(std::string_view status_line) {
  const auto space = status_line.find(' ');
  int status{};
  if (space != std::string_view::npos) {
    std::from_chars(status_line.data() + space + 1, status_line.data() + status_line.size(),
                    status);
  }
  return status;
}

}  // namespace

TransferState::TransferState(std::weak_ptr<MultiState> multi, const Request& request,
                             Transfer::Listener& listener)
    : multi_{std::move(multi)}, listener_{&listener} {
  easy_.set_text(CURLOPT_URL, request.url);
  easy_.set_text(CURLOPT_PROTOCOLS_STR, "http");
  if (!request.range.empty()) easy_.set_text(CURLOPT_RANGE, request.range);
  easy_.set_number(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);  // its HTTP/2 is broken up to 8.5
  easy_.set_number(CURLOPT_FOLLOWLOCATION, 0);
  easy_.set_number(CURLOPT_NOSIGNAL, 1);
  easy_.set_text(CURLOPT_PROXY, "");  // whatever the environment says
  easy_.set_text(CURLOPT_USERAGENT, "ace-proxy");
  easy_.set_number(CURLOPT_FRESH_CONNECT, 1);
  easy_.set_number(CURLOPT_FORBID_REUSE, 1);
  // Without it the end of a transfer waits for its resolver thread, and the loop with it.
  easy_.set_number(CURLOPT_QUICK_EXIT, 1);
  easy_.set_number(CURLOPT_HTTP_TRANSFER_DECODING, request.is_body_raw ? 0 : 1);
  easy_.set_number(CURLOPT_BUFFERSIZE, kReceiveBufferBytes);
  easy_.set_number(CURLOPT_DNS_CACHE_TIMEOUT, kNameSeconds);
  easy_.set_number(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  easy_.set_number(CURLOPT_TCP_KEEPALIVE, 1);
  easy_.set_number(CURLOPT_TCP_KEEPIDLE, 15);
  easy_.set_number(CURLOPT_TCP_KEEPINTVL, 5);
  easy_.set_pointer(CURLOPT_ERRORBUFFER, error_text_.data());
  easy_.set_pointer(CURLOPT_PRIVATE, this);
  easy_.set_function(CURLOPT_HEADERFUNCTION, &TransferState::on_header);
  easy_.set_pointer(CURLOPT_HEADERDATA, this);
  easy_.set_function(CURLOPT_WRITEFUNCTION, &TransferState::on_write);
  easy_.set_pointer(CURLOPT_WRITEDATA, this);
}

void TransferState::abort() {
  listener_ = nullptr;
  if (const auto multi = multi_.lock()) multi->remove(shared_from_this());
}

void TransferState::finish(CURLcode code) {
  auto* const listener = std::exchange(listener_, nullptr);
  if (listener == nullptr) return;
  paused_ = false;
  Outcome outcome{.error = {}, .phase = phase()};
  if (header_bytes_ > kMaxHeaderBytes) {
    outcome.error = Error{Errc::TooLarge, "headers without end"};
  } else if (code != CURLE_OK) {
    // The error buffer is finer than the code's own words, where libcurl filled it.
    const bool is_detailed = error_text_.front() != '\0';
    outcome.error = Error{kind_of(code, outcome.phase),
                          is_detailed ? error_text_.data() : curl_easy_strerror(code)};
  }
  listener->on_done(outcome);
}

Phase TransferState::phase() const {
  if (headers_in_) return Phase::Body;
  return easy_.offset(CURLINFO_CONNECT_TIME_T) > 0 ? Phase::AwaitingHeaders : Phase::Connecting;
}

std::size_t TransferState::on_header(char* data, std::size_t, std::size_t size,
                                     void* user) noexcept {
  const auto self = static_cast<TransferState*>(user)->shared_from_this();
  std::string_view line{data, size};
  self->header_bytes_ += size;
  if (self->header_bytes_ > kMaxHeaderBytes) return CURL_WRITEFUNC_ERROR;
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (self->listener_ != nullptr) self->take_header(line);
  return self->is_aborted() ? std::size_t{CURL_WRITEFUNC_ERROR} : size;
}

void TransferState::take_header(std::string_view line) {
  if (headers_in_) return;  // trailers of chunked coding
  if (line.empty()) {
    if (head_.status < 200) return;
    headers_in_ = true;
    head_.peer = peer();
    listener_->on_headers(head_);
    return;
  }
  if (line.substr(0, 5) == "HTTP/") {
    head_ = ResponseHead{};
    head_.status = status_of(line);
    return;
  }
  const std::pair<std::string_view, std::string ResponseHead::*> wanted[] = {
      {"location", &ResponseHead::location},
      {"content-type", &ResponseHead::content_type},
      {"content-length", &ResponseHead::content_length},
      {"content-range", &ResponseHead::content_range},
      {"accept-ranges", &ResponseHead::accept_ranges},
      {"transfer-encoding", &ResponseHead::transfer_encoding}};
  for (const auto& [name, member] : wanted) {
    if (const auto value = header_value(line, name)) head_.*member = *value;
  }
}

std::string TransferState::peer() const {
  const auto ip = easy_.text(CURLINFO_PRIMARY_IP);
  const auto port = easy_.number(CURLINFO_PRIMARY_PORT);
  return ip.find(':') == std::string::npos ? fmt::format("{}:{}", ip, port)
                                           : fmt::format("[{}]:{}", ip, port);
}

std::size_t TransferState::on_write(char* data, std::size_t, std::size_t size,
                                    void* user) noexcept {
  const auto self = static_cast<TransferState*>(user)->shared_from_this();
  if (self->is_aborted()) return CURL_WRITEFUNC_ERROR;
  if (size == 0) return 0;
  self->delivering_ = true;
  const auto flow = self->listener_->on_bytes(as_bytes({data, size}));
  self->delivering_ = false;
  if (self->is_aborted()) return CURL_WRITEFUNC_ERROR;
  if (flow == Flow::Continue) return size;
  self->paused_ = true;
  return CURL_WRITEFUNC_PAUSE;
}

void TransferState::resume() {
  const auto multi = multi_.lock();
  const bool may_be_paused = paused_ || delivering_;
  if (!may_be_paused || resuming_ || !multi) return;
  resuming_ = true;
  // libcurl hands over the held bytes from inside curl_easy_pause: not under the caller's feet.
  multi->loop().post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->continue_reading();
  });
}

void TransferState::continue_reading() {
  resuming_ = false;
  const auto multi = multi_.lock();
  if (!paused_ || is_aborted() || !multi) return;
  paused_ = false;
  multi->run([this](CURLM*) { curl_easy_pause(easy_.raw(), CURLPAUSE_CONT); });
}

UniqueFd TransferState::detach() {
  const auto multi = multi_.lock();
  if (socket_ < 0 || is_aborted() || !multi || multi->is_running()) return {};
  // libcurl closes its own descriptor, and does not shut the connection down.
  UniqueFd taken{::fcntl(socket_, F_DUPFD_CLOEXEC, 0)};
  abort();
  return taken;
}

Transfer::Transfer(Multi& multi, const Request& request, Listener& listener)
    : state_{std::make_shared<TransferState>(multi.state_, request, listener)} {
  multi.state_->add(state_);
}

Transfer::~Transfer() { state_->abort(); }

void Transfer::resume() { state_->resume(); }

bool Transfer::is_paused() const { return state_->is_paused(); }

UniqueFd Transfer::detach() { return state_->detach(); }

Phase Transfer::phase() const { return state_->phase(); }

}  // namespace ace::curl
