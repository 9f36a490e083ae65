// A target that is taken apart can be put together again, escaped to the last byte, and says the
// same then: nothing is lost, and nothing decoded twice.

#include <string>
#include <string_view>

#include "proto/http/target.h"
#include "shared/base/check.h"
#include "tests/fuzz/cuts.h"

namespace {

using ace::proto::http::is_host_and_port;
using ace::proto::http::Target;

/// A request line has been found to hold nothing else when its target is looked at.
std::string visible(std::string_view text) {
  std::string out{text};
  for (char& c : out) {
    if (c <= ' ' || c > '~') c = static_cast<char>('!' + static_cast<unsigned char>(c) % 94);
  }
  return out;
}

std::string escaped(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789aBcDeF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte / 16];
    out += kHex[byte % 16];
  }
  return out;
}

std::string put_together(const Target& target) {
  std::string text = target.authority.empty() ? "" : "http://" + target.authority;
  text += '/' + escaped(std::string_view{target.path}.substr(1));
  char separator = '?';
  for (const auto& param : target.params) {
    text += separator + escaped(param.name) + '=' + escaped(param.value);
    separator = '&';
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = visible(ace::as_text(ace::fuzz::to_span(data, size)));
  const auto target = Target::parse(text);
  if (!target) return 0;
  ACE_CHECK(target->text == text, "a target keeps what was sent");
  if (target->path == "*") return 0;
  ACE_CHECK(target->path.front() == '/', "a path begins with a slash");
  ACE_CHECK(target->path.find('\0') == std::string::npos, "no NUL comes through");
  ACE_CHECK(target->authority.empty() || is_host_and_port(target->authority), "a host is one");
  const auto again = Target::parse(put_together(*target));
  ACE_CHECK(again.has_value(), "what was put together is a target");
  ACE_CHECK(again->path == target->path && again->authority == target->authority,
            "the path and the host are the same");
  ACE_CHECK(again->params.size() == target->params.size(), "no parameter is lost");
  for (std::size_t i = 0; i < target->params.size(); ++i) {
    ACE_CHECK(again->params[i].name == target->params[i].name, "a parameter's name is the same");
    ACE_CHECK(again->params[i].value == target->params[i].value, "and so is its value");
  }
  return 0;
}
