#include "shared/base/secret.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace ace {
namespace {

constexpr std::size_t kShortestAnywhere = 8;
constexpr std::string_view kMask = "***";

constexpr std::size_t index_of(char c) { return static_cast<unsigned char>(c); }

/// Every request's texts are looked through: most bytes begin no secret, and one look says so.
struct Secrets {
  std::array<std::vector<std::string>, 256> by_first;
  std::array<bool, 256> may_begin{};  ///< one of them, in whatever form
  bool is_empty{true};

  void add(const std::string& secret) {
    by_first[index_of(secret.front())].push_back(secret);
    // For `%`, `\` and `+` see meant_at().
    for (const char first : {secret.front(), '%', '\\', '+'}) may_begin[index_of(first)] = true;
    is_empty = false;
  }
};

Secrets& hidden() {
  static Secrets secrets;
  return secrets;
}

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// One character as it was meant, and how many bytes it is written in.
struct Meant {
  char character;
  std::size_t size;
};

Meant meant_at(std::string_view text) {
  const auto hex = [&](std::size_t at) {
    const int high = at < text.size() ? hex_value(text[at]) : -1;
    const int low = at + 1 < text.size() ? hex_value(text[at + 1]) : -1;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
  };
  const char first = text.front();
  const char second = text.size() > 1 ? text[1] : '\0';
  if (const int byte = hex(1); first == '%' && byte >= 0) return {static_cast<char>(byte), 3};
  if (first == '\\' && second == 'x') {
    if (const int byte = hex(2); byte >= 0) return {static_cast<char>(byte), 4};
  }
  if (first == '\\' && (second == '"' || second == '\\' || second == '\'')) return {second, 2};
  return {first, 1};
}

/// How many bytes of `text` are the secret in an encoded form; 0: it does not begin with it.
std::size_t encoded_size(std::string_view text, std::string_view secret) {
  std::size_t at = 0;
  for (const char c : secret) {
    if (at == text.size()) return 0;
    const auto meant = meant_at(text.substr(at));
    const bool is_blank = c == ' ' && text[at] == '+';
    if (meant.character != c && !is_blank) return 0;
    at += meant.size;
  }
  return at;
}

constexpr bool is_of_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || static_cast<unsigned char>(c) >= 0x80;
}

bool stands_alone(std::string_view text, std::size_t at, std::size_t size) {
  if (at > 0 && is_of_word(text[at - 1])) return false;
  const auto behind = at + size;
  return behind == text.size() || (!is_of_word(text[behind]) && text[behind] != '=');
}

/// How many bytes from `at` on are a secret; 0: none.
std::size_t secret_at(std::string_view text, std::size_t at) {
  const auto rest = text.substr(at);
  const auto is_code = [](char c) { return c == '%' || c == '\\' || c == '+'; };
  const auto size_of = [&](const std::string& secret) -> std::size_t {
    // What follows most first bytes is another second one: no need to compare the whole.
    if (secret.size() > 1 && rest.size() > 1 && rest[1] != secret[1] && !is_code(rest[0]) &&
        !is_code(rest[1])) {
      return 0;
    }
    const auto size = rest.starts_with(secret) ? secret.size() : encoded_size(rest, secret);
    const bool is_hidden = secret.size() >= kShortestAnywhere || stands_alone(text, at, size);
    return is_hidden ? size : 0;
  };
  std::size_t longest = 0;
  const auto look = [&](char first) {
    for (const auto& secret : hidden().by_first[index_of(first)]) {
      longest = std::max(longest, size_of(secret));
    }
  };
  look(rest.front());
  const auto meant = meant_at(rest);
  if (meant.character != rest.front()) look(meant.character);
  if (rest.front() == '+') look(' ');
  return longest;
}

}  // namespace

bool is_same_secret(std::string_view shown, std::string_view secret) {
  if (secret.empty()) return shown.empty();
  unsigned difference = shown.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    difference |= static_cast<unsigned>(static_cast<unsigned char>(shown[i]) ^
                                        static_cast<unsigned char>(secret[i % secret.size()]));
  }
  return difference == 0;
}

void hide_secrets(const std::vector<std::string>& secrets) {
  hidden() = {};
  for (const auto& secret : secrets) {
    if (!secret.empty()) hidden().add(secret);
  }
}

std::string without_secrets(std::string_view text) {
  const auto& secrets = hidden();
  if (secrets.is_empty) return std::string{text};
  std::string clean;
  std::size_t kept = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto size = secrets.may_begin[index_of(text[at])] ? secret_at(text, at) : 0;
    if (size == 0) {
      ++at;
      continue;
    }
    clean.append(text.substr(kept, at - kept)).append(kMask);
    at += size;
    kept = at;
  }
  return clean.append(text.substr(kept));
}

}  // namespace ace
