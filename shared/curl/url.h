#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "shared/base/result.h"

namespace ace::curl {

/// An absolute http URL, parsed and put together by libcurl itself, so that what is judged here is
/// what is requested there. A value: copies are independent.
class Url {
 public:
  /// InvalidArgument unless `text` is an absolute http:// URL.
  [[nodiscard]] static Result<Url> parse(std::string_view text);

  Url(const Url& other);
  Url& operator=(const Url& other);
  Url(Url&&) noexcept = default;
  Url& operator=(Url&&) noexcept = default;
  ~Url() = default;

  /// Where a reference found at this URL leads (a Location header); it may be absolute. Protocol if
  /// it is malformed or leaves http.
  [[nodiscard]] Result<Url> resolve(std::string_view reference) const;

  [[nodiscard]] std::string text() const;
  /// Lower case; an IPv6 address without its brackets.
  [[nodiscard]] std::string host() const;
  /// 80 when the URL names none.
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string path() const;
  /// Without the question mark, still encoded; empty when there is none.
  [[nodiscard]] std::string query() const;
  /// The first parameter of that name, decoded ("+" is a space).
  [[nodiscard]] std::optional<std::string> query_parameter(std::string_view name) const;

  /// Adds `name=value`, both encoded, after what the query holds already.
  void append_query(std::string_view name, std::string_view value);
  /// InvalidArgument, and no change, for what is no host. IPv6 with or without brackets.
  [[nodiscard]] Status set_address(std::string_view host, std::uint16_t port);

 private:
  struct Free {
    void operator()(void* handle) const noexcept;
  };
  using Handle = std::unique_ptr<void, Free>;  // a CURLU, whose header stays out of this one

  explicit Url(Handle handle) : handle_{std::move(handle)} {}

  Handle handle_;
};

/// The host as it stands in a URL: an IPv6 address gets its brackets.
[[nodiscard]] std::string bracketed(std::string_view host);

}  // namespace ace::curl
