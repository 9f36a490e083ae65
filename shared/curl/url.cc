#include "shared/curl/url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "shared/base/check.h"

namespace ace::curl {
namespace {

CURLU* raw(void* handle) { return static_cast<CURLU*>(handle); }

std::string part(void* handle, CURLUPart what, unsigned flags = 0) {
  char* text{};
  if (curl_url_get(raw(handle), what, &text, flags) != CURLUE_OK) return {};
  std::string copy{text};
  curl_free(text);
  return copy;
}

std::string encoded(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' || c == '~';
    if (is_plain) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kDigits[byte >> 4U]);
      out.push_back(kDigits[byte & 15U]);
    }
  }
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

/// libcurl takes C strings: an embedded zero would cut what is judged short of what was given.
bool holds_zero(std::string_view text) { return text.find('\0') != std::string_view::npos; }

}  // namespace

void Url::Free::operator()(void* handle) const noexcept { curl_url_cleanup(raw(handle)); }

Url::Url(const Url& other) : handle_{curl_url_dup(raw(other.handle_.get()))} {}

Url& Url::operator=(const Url& other) {
  if (this != &other) handle_.reset(curl_url_dup(raw(other.handle_.get())));
  return *this;
}

Result<Url> Url::parse(std::string_view text) {
  if (holds_zero(text)) return fail(Errc::InvalidArgument, "malformed url");
  Handle handle{curl_url()};
  const auto code = curl_url_set(raw(handle.get()), CURLUPART_URL, std::string{text}.c_str(), 0);
  if (code != CURLUE_OK) {
    return fail(Errc::InvalidArgument, fmt::format("malformed url: {}", curl_url_strerror(code)));
  }
  if (part(handle.get(), CURLUPART_SCHEME) != "http") {
    return fail(Errc::InvalidArgument, "not an http url");
  }
  return Url{std::move(handle)};
}

Result<Url> Url::resolve(std::string_view reference) const {
  if (reference.empty() || holds_zero(reference)) {
    return fail(Errc::Protocol, "malformed redirect");
  }
  Url target{*this};
  const auto code =
      curl_url_set(raw(target.handle_.get()), CURLUPART_URL, std::string{reference}.c_str(), 0);
  if (code != CURLUE_OK) {
    return fail(Errc::Protocol, fmt::format("malformed redirect: {}", curl_url_strerror(code)));
  }
  if (part(target.handle_.get(), CURLUPART_SCHEME) != "http") {
    return fail(Errc::Protocol, "redirect out of http");
  }
  return target;
}

std::string Url::text() const { return part(handle_.get(), CURLUPART_URL); }

std::string Url::host() const {
  auto host = part(handle_.get(), CURLUPART_HOST);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  std::transform(host.begin(), host.end(), host.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return host;
}

std::uint16_t Url::port() const {
  const auto text = part(handle_.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  return static_cast<std::uint16_t>(std::stoul(text));  // libcurl admits only 1 to 65535
}

std::string Url::path() const { return part(handle_.get(), CURLUPART_PATH); }

std::string Url::query() const { return part(handle_.get(), CURLUPART_QUERY); }

std::optional<std::string> Url::query_parameter(std::string_view name) const {
  const auto query = this->query();
  std::string_view rest{query};
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const auto field = rest.substr(0, end);
    const auto equals = field.find('=');
    if (decoded(field.substr(0, equals)) == name) {
      return equals == std::string_view::npos ? std::string{} : decoded(field.substr(equals + 1));
    }
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  return std::nullopt;
}

void Url::append_query(std::string_view name, std::string_view value) {
  const auto field = fmt::format("{}={}", encoded(name), encoded(value));
  const auto code =
      curl_url_set(raw(handle_.get()), CURLUPART_QUERY, field.c_str(), CURLU_APPENDQUERY);
  ACE_CHECK(code == CURLUE_OK, "an encoded parameter can be appended");
}

Status Url::set_address(std::string_view host, std::uint16_t port) {
  if (host.empty() || port == 0 || holds_zero(host)) {
    return fail(Errc::InvalidArgument, "not an address");
  }
  Url changed{*this};
  auto* const handle = raw(changed.handle_.get());
  if (curl_url_set(handle, CURLUPART_HOST, bracketed(host).c_str(), 0) != CURLUE_OK ||
      curl_url_set(handle, CURLUPART_PORT, std::to_string(port).c_str(), 0) != CURLUE_OK) {
    return fail(Errc::InvalidArgument, "not an address");
  }
  *this = std::move(changed);
  return {};
}

std::string bracketed(std::string_view host) {
  const bool is_bare_ipv6 = host.find(':') != std::string_view::npos && host.front() != '[';
  return is_bare_ipv6 ? fmt::format("[{}]", host) : std::string{host};
}

}  // namespace ace::curl
