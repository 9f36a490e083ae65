#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/http/request_trace.h"
#include "shared/base/check.h"
#include "shared/base/secret.h"
#include "shared/base/text.h"
#include "shared/log/log_text.h"
#include "shared/net/ip_set.h"

namespace {

using ace::net::IpAddress;
using ace::net::IpSet;
using ace::proto::http::Target;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; }

/// What is read as an address or a list reads back as itself.
void check_addresses(std::string_view text) {
  if (const auto address = IpAddress::parse(text)) {
    ACE_CHECK(IpAddress::parse(address->text()) == address, "an address reads back as itself");
  }
  if (const auto address = IpAddress::parse_host_port(text)) {
    ACE_CHECK(IpAddress::parse_host_port(address->text()) == address, "so does it with a port");
  }
  if (const auto set = IpSet::parse(text)) {
    ACE_CHECK(IpSet::parse(set->text()) == *set, "a list reads back as itself");
  }
}

/// No text breaks out of its line or its field.
void check_log_text(std::string_view text) {
  const auto line = ace::log::one_line(text);
  ACE_CHECK(std::ranges::none_of(line, is_control), "a line has no control characters");
  ACE_CHECK(ace::log::one_line(line) == line, "what is clean stays as it is");
  std::string field;
  ace::log::append_escaped(field, text);
  ACE_CHECK(std::ranges::none_of(field, [](char c) { return is_control(c) || c < 0 || c == '"'; }),
            "a field has no quotes");
  std::string json;
  ace::log::append_json(json, text);
  bool is_escaped = false;
  for (const char c : json) {
    ACE_CHECK(!is_control(c) && (c != '"' || is_escaped), "a JSON string does not end early");
    is_escaped = c == '\\' && !is_escaped;
  }
  ACE_CHECK(!is_escaped, "nor does it swallow its end");
}

bool is_secret_name(std::string name) {
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return name == "token" || name == "key" || name == "api_key";
}

/// What is kept of a text from outside is UTF-8 and short, and stays as it is.
void check_outside_text(std::string_view text) {
  const auto kept = ace::outside_text(text, 64);
  ACE_CHECK(ace::is_utf8(kept) && kept.size() <= 64, "a text is valid and bounded");
  ACE_CHECK(ace::outside_text(kept, 64) == kept, "what is clean stays as it is");
  ace::hide_secrets({"a secret", "\\"});
  const auto masked = ace::without_secrets(text);
  ACE_CHECK(masked.find("a secret") == std::string::npos, "no secret is left");
  ace::hide_secrets({});
}

/// The parser that looks for tokens finds none that is told, and everything else as it was.
void check_tokens(std::string_view text) {
  const auto before = Target::parse(text);
  // Where a parser of another kind would see a parameter, too, it is hidden as well.
  const auto query = text.find('?');
  const bool is_plain = query == text.rfind('?') && text.find(';') == std::string_view::npos &&
                        text.find('&') >= query;
  if (!before || !is_plain) return;
  const auto after = Target::parse(ace::proto::http::without_tokens(text));
  ACE_CHECK(after.has_value(), "a target without tokens is a target");
  ACE_CHECK(after->path == before->path, "its path is the same");
  ACE_CHECK(after->params.size() == before->params.size(), "it has as many parameters");
  for (std::size_t i = 0; i < before->params.size(); ++i) {
    const auto& was = before->params[i];
    const auto& is = after->params[i];
    ACE_CHECK(is.name == was.name, "by the same names");
    // `token` alone, without a value, has nothing to hide.
    const bool is_hidden = is.value == "***" || is.value.empty();
    ACE_CHECK(is_secret_name(was.name) ? is_hidden : is.value == was.value, "tokens are hidden");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  check_addresses(text);
  check_log_text(text);
  check_tokens(text);
  check_outside_text(text);
  return 0;
}
