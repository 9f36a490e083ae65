#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/http/target.h"

namespace ace::proto::http {

enum class Method { Get, Head, Options, Post, Put, Patch, Delete, Other };
enum class Version { Http10, Http11 };

struct Header {
  std::string name;  ///< lower case in requests
  std::string value;
};

/// One request, checked and taken apart. Owns all it holds.
struct Request {
  Method method{Method::Get};
  std::string method_name;  ///< as it was sent: "GET"
  Target target;
  Version version{Version::Http11};
  std::vector<Header> headers;  ///< in order, repeats kept, values without outer white space
  std::string body;             ///< decoded, at most kMaxBodyBytes
  bool keep_alive{};            ///< the client allows another request on this connection
  bool expects_continue{};      ///< it waits for "100 Continue" before it sends the body
  std::size_t raw_size{};       ///< bytes on the wire, from the first to the last
  std::string id;               ///< for logs and the answer; given by who reads the connection

  /// First value of this (lower-case) name; valid as long as the request is.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
  [[nodiscard]] std::optional<std::string_view> query(std::string_view name) const {
    return target.query(name);
  }
  [[nodiscard]] const std::string& path() const { return target.path; }
  /// Whom the client believes to speak to: the target's authority before Host; empty if neither.
  [[nodiscard]] std::string_view host() const;
};

inline constexpr std::size_t kMaxRequestLineBytes = 8192;
inline constexpr std::size_t kMaxHeaderBytes = 16384;
inline constexpr std::size_t kMaxHeaders = 100;
inline constexpr std::size_t kMaxBodyBytes = 65536;  ///< none at all for GET, HEAD and OPTIONS

}  // namespace ace::proto::http
