#include "proto/http/request_parser.h"

#include <llhttp.h>

#include <algorithm>
#include <utility>

#include "proto/http/request_rules.h"
#include "shared/base/check.h"
#include "shared/base/text.h"

namespace ace::proto::http {
namespace {

/// Empty lines some clients send after a previous request's body.
constexpr int kMaxEmptyLines = 4;
/// A chunked body's size lines and trailers count here, its data in kMaxBodyBytes.
constexpr std::size_t kMaxRawBodyBytes = 2 * kMaxBodyBytes;

Method to_method(llhttp_method_t method) {
  switch (method) {
    case HTTP_GET:
      return Method::Get;
    case HTTP_HEAD:
      return Method::Head;
    case HTTP_OPTIONS:
      return Method::Options;
    case HTTP_POST:
      return Method::Post;
    case HTTP_PUT:
      return Method::Put;
    case HTTP_PATCH:
      return Method::Patch;
    case HTTP_DELETE:
      return Method::Delete;
    default:
      return Method::Other;
  }
}

/// Kept from one message to the next: most are smaller, and a connection may idle for long.
constexpr std::size_t kKeptBytes = 1024;

/// A body of these means nothing (RFC 9110, 9.3.1); servers that disagree on whether it is there
/// are how requests are smuggled.
constexpr bool takes_no_body(Method method) {
  return method == Method::Get || method == Method::Head || method == Method::Options;
}

/// Behind these llhttp expects bytes that are no HTTP/1: a tunnel's, or HTTP/2's preface, for whose
/// sake it takes the end of the head for something else.
constexpr bool is_other_protocol(std::string_view method) {
  return method == "CONNECT" || method == "PRI";
}

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

/// llhttp keeps its address: never moved.
class RequestParser::Impl {
 public:
  Impl() { begin(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  FeedResult feed(std::string_view bytes);
  void begin();

  Request request;
  Refusal refusal;
  std::string raw;
  enum class Stage { RequestLine, Headers, Body, Complete, Refused } stage{Stage::RequestLine};

 private:
  static const llhttp_settings_t& settings();
  static Impl& self(llhttp_t* parser) { return *static_cast<Impl*>(parser->data); }
  static int on_field(llhttp_t* parser, const char* at, std::size_t size) noexcept;
  static int on_value(llhttp_t* parser, const char* at, std::size_t size) noexcept;
  static int on_value_complete(llhttp_t* parser) noexcept;
  static int on_headers_complete(llhttp_t* parser) noexcept;
  static int on_chunk_header(llhttp_t* parser) noexcept;
  static int on_body(llhttp_t* parser, const char* at, std::size_t size) noexcept;
  static int on_message_complete(llhttp_t* parser) noexcept;

  std::size_t take_line(std::string_view bytes);
  std::size_t take_body(std::string_view bytes);
  void on_request_line(std::string_view line);
  void on_header_line(std::string_view line);
  void on_head_end();
  bool execute(std::string_view bytes);
  void refuse(Refusal why);
  void refuse(int status, std::string_view why) { refuse({status, std::string{why}}); }
  [[nodiscard]] std::size_t line_allowance() const;
  void finish();

  llhttp_t parser_{};
  std::size_t line_begin_{};  ///< where in `raw` the current line begins
  std::size_t head_begin_{};  ///< where in `raw` the headers begin
  std::size_t body_begin_{};
  int empty_lines_{};
  std::size_t header_lines_{};
  Header header_;  ///< the one being read
  bool is_head_over_{};
  bool is_message_over_{};
  bool is_body_too_large_{};
};

void RequestParser::Impl::begin() {
  llhttp_init(&parser_, HTTP_REQUEST, &settings());
  parser_.data = this;
  request = {};
  free_text(request.body);  // an assignment keeps its memory
  refusal = {};
  raw.clear();
  if (raw.capacity() > kKeptBytes) free_text(raw);
  header_ = {};
  stage = Stage::RequestLine;
  line_begin_ = head_begin_ = body_begin_ = 0;
  empty_lines_ = 0;
  header_lines_ = 0;
  is_head_over_ = is_message_over_ = is_body_too_large_ = false;
}

// llhttp's callbacks only record; what follows from it is decided after llhttp_execute has
// returned.

/// A trailer of a chunked body is read over: nobody here wants one.
int RequestParser::Impl::on_field(llhttp_t* parser, const char* at, std::size_t size) noexcept {
  auto& me = self(parser);
  if (!me.is_head_over_) me.header_.name.append(at, size);
  return HPE_OK;
}

int RequestParser::Impl::on_value(llhttp_t* parser, const char* at, std::size_t size) noexcept {
  auto& me = self(parser);
  if (!me.is_head_over_) me.header_.value.append(at, size);
  return HPE_OK;
}

int RequestParser::Impl::on_value_complete(llhttp_t* parser) noexcept {
  auto& me = self(parser);
  if (me.is_head_over_) return HPE_OK;
  auto& name = me.header_.name;
  std::transform(name.begin(), name.end(), name.begin(), to_lower);
  me.header_.value = trimmed(me.header_.value);
  me.request.headers.push_back(std::exchange(me.header_, {}));
  return HPE_OK;
}

int RequestParser::Impl::on_headers_complete(llhttp_t* parser) noexcept {
  auto& me = self(parser);
  me.is_head_over_ = true;
  me.request.keep_alive = llhttp_should_keep_alive(parser) == 1;
  return HPE_OK;
}

int RequestParser::Impl::on_chunk_header(llhttp_t* parser) noexcept {
  auto& me = self(parser);
  me.is_body_too_large_ = parser->content_length > kMaxBodyBytes - me.request.body.size();
  return me.is_body_too_large_ ? HPE_USER : HPE_OK;
}

int RequestParser::Impl::on_body(llhttp_t* parser, const char* at, std::size_t size) noexcept {
  self(parser).request.body.append(at, size);
  return HPE_OK;
}

int RequestParser::Impl::on_message_complete(llhttp_t* parser) noexcept {
  self(parser).is_message_over_ = true;
  return HPE_PAUSED;  // or it would go on into the next request
}

const llhttp_settings_t& RequestParser::Impl::settings() {
  static const llhttp_settings_t kTable = [] {
    llhttp_settings_t table;
    llhttp_settings_init(&table);
    table.on_header_field = on_field;
    table.on_header_value = on_value;
    table.on_header_value_complete = on_value_complete;
    table.on_headers_complete = on_headers_complete;
    table.on_chunk_header = on_chunk_header;
    table.on_body = on_body;
    table.on_message_complete = on_message_complete;
    return table;
  }();
  return kTable;
}

FeedResult RequestParser::Impl::feed(std::string_view bytes) {
  std::size_t consumed = 0;
  while (consumed < bytes.size() && stage != Stage::Complete && stage != Stage::Refused) {
    const auto rest = bytes.substr(consumed);
    consumed += stage == Stage::Body ? take_body(rest) : take_line(rest);
  }
  if (stage == Stage::Complete) return {Parse::Complete, consumed};
  if (stage == Stage::Refused) return {Parse::Refused, consumed};
  return {Parse::NeedMore, consumed};
}

std::size_t RequestParser::Impl::line_allowance() const {
  if (stage == Stage::RequestLine) return kMaxRequestLineBytes + 2 - (raw.size() - line_begin_);
  return kMaxHeaderBytes - (raw.size() - head_begin_);
}

std::size_t RequestParser::Impl::take_line(std::string_view bytes) {
  const bool is_request_line = stage == Stage::RequestLine;
  if (is_request_line && raw.size() == line_begin_ && !may_begin_request(bytes.front())) {
    refuse(400, "this is not HTTP");
    return 0;
  }
  const auto end = bytes.find('\n');
  const auto taken = end == std::string_view::npos ? bytes.size() : end + 1;
  if (taken > line_allowance()) {
    refuse(is_request_line ? 414 : 431,
           is_request_line ? "the request line is too long" : "the headers are too large");
    return 0;
  }
  raw.append(bytes.substr(0, taken));
  if (end == std::string_view::npos) return taken;

  const auto line = std::string_view{raw}.substr(line_begin_);
  line_begin_ = raw.size();
  if (line.size() < 2 || line[line.size() - 2] != '\r') {
    refuse(400, "a line ends without CR");
  } else if (is_request_line) {
    on_request_line(line);
  } else {
    on_header_line(line);
  }
  return taken;
}

void RequestParser::Impl::on_request_line(std::string_view line) {
  const auto content = line.substr(0, line.size() - 2);
  if (content.empty()) {
    if (++empty_lines_ > kMaxEmptyLines) refuse(400, "empty lines instead of a request");
    return;
  }
  RequestLine parts;
  if (auto why = split_request_line(content, parts)) return refuse(std::move(*why));
  request.method_name = parts.method;
  request.version = parts.version;
  if (is_other_protocol(parts.method)) return refuse(501, "unknown method");
  auto target = Target::parse(parts.target);
  if (!target) return refuse(400, target.error().text + ": " + quoted(parts.target));
  request.target = std::move(*target);
  if (request.target.text == "*" && parts.method != "OPTIONS") {
    return refuse(400, "the target * is for OPTIONS");
  }
  if (!execute(line)) return;
  request.method = to_method(static_cast<llhttp_method_t>(llhttp_get_method(&parser_)));
  head_begin_ = raw.size();
  stage = Stage::Headers;
}

void RequestParser::Impl::on_header_line(std::string_view line) {
  const auto content = line.substr(0, line.size() - 2);
  if (content.empty()) {
    if (execute(line)) on_head_end();
    return;
  }
  if (auto why = check_header_line(content)) return refuse(std::move(*why));
  if (++header_lines_ > kMaxHeaders) return refuse(431, "too many headers");
  execute(line);
}

void RequestParser::Impl::on_head_end() {
  if (!is_head_over_) return refuse(400, "malformed head");
  if (auto why = check_head(request)) return refuse(std::move(*why));
  const bool has_body = parser_.content_length > 0 || (parser_.flags & F_CHUNKED) != 0;
  if (has_body && takes_no_body(request.method)) {
    return refuse(413, "a request that reads has no body");
  }
  if (parser_.content_length > kMaxBodyBytes) return refuse(413, "the body is too large");
  const auto expectation = request.header("expect").value_or("");
  request.expects_continue =
      request.version == Version::Http11 && equals_ignoring_case(expectation, "100-continue");
  if (is_message_over_) return finish();
  body_begin_ = raw.size();
  stage = Stage::Body;
}

std::size_t RequestParser::Impl::take_body(std::string_view bytes) {
  const auto allowance = kMaxRawBodyBytes - (raw.size() - body_begin_);
  if (allowance == 0) {
    refuse(413, "the body is too large");
    return 0;
  }
  const auto offered = bytes.substr(0, allowance);
  if (!execute(offered)) return 0;
  const auto taken = is_message_over_
                         ? static_cast<std::size_t>(llhttp_get_error_pos(&parser_) - offered.data())
                         : offered.size();
  raw.append(offered.substr(0, taken));
  if (is_message_over_) finish();
  return taken;
}

bool RequestParser::Impl::execute(std::string_view bytes) {
  const auto error = llhttp_execute(&parser_, bytes.data(), bytes.size());
  if (error == HPE_OK || error == HPE_PAUSED) return true;
  if (is_body_too_large_) {
    refuse(413, "the body is too large");
  } else if (error == HPE_INVALID_METHOD) {
    refuse(501, "unknown method");
  } else {
    const auto* reason = llhttp_get_error_reason(&parser_);
    refuse(400, reason == nullptr ? "malformed request" : reason);
  }
  return false;
}

void RequestParser::Impl::refuse(Refusal why) {
  refusal = std::move(why);
  stage = Stage::Refused;
}

void RequestParser::Impl::finish() {
  request.raw_size = raw.size();
  stage = Stage::Complete;
}

RequestParser::RequestParser() : impl_{std::make_unique<Impl>()} {}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

FeedResult RequestParser::feed(ByteSpan bytes) { return impl_->feed(as_text(bytes)); }
const Request& RequestParser::request() const { return impl_->request; }
Request RequestParser::take_request() {
  ACE_CHECK(impl_->stage == Impl::Stage::Complete, "only a whole request can be taken");
  return std::exchange(impl_->request, {});
}
const Refusal& RequestParser::refusal() const { return impl_->refusal; }
bool RequestParser::awaits_body() const { return impl_->stage == Impl::Stage::Body; }
std::size_t RequestParser::held_bytes() const {
  // The head stands there twice: as it came, and taken apart.
  const auto body = impl_->request.body.capacity();
  const auto raw = impl_->raw.capacity();
  return 2 * raw - std::min(raw, impl_->request.body.size()) + body;
}
bool RequestParser::is_idle() const {
  return impl_->raw.find_first_not_of("\r\n") == std::string::npos;
}
std::string_view RequestParser::raw() const { return impl_->raw; }
void RequestParser::next() { impl_->begin(); }

}  // namespace ace::proto::http
