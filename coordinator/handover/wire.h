#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ace::handover {

/// Numbers and texts one after the other, for another process of this host.
class Writer {
 public:
  template <class T>
  void number(T value) {
    static_assert(std::is_integral_v<T>);
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(std::string_view text) {
    number(static_cast<std::uint32_t>(text.size()));
    out_.append(text);
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

/// Reads what Writer wrote; once something is missing, all further reads give nothing.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_{in} {}
  template <class T>
  [[nodiscard]] T number() {
    T value{};
    if (const auto bytes = take(sizeof value); bytes.size() == sizeof value) {
      std::memcpy(&value, bytes.data(), sizeof value);
    }
    return value;
  }
  [[nodiscard]] std::string text() { return std::string{take(number<std::uint32_t>())}; }
  [[nodiscard]] std::string_view view(std::size_t size) { return take(size); }
  [[nodiscard]] bool is_short() const { return is_short_; }
  [[nodiscard]] bool is_whole() const { return !is_short_ && in_.empty(); }

 private:
  std::string_view take(std::size_t size) {
    if (is_short_ || in_.size() < size) {
      is_short_ = true;
      return {};
    }
    const auto taken = in_.substr(0, size);
    in_.remove_prefix(size);
    return taken;
  }

  std::string_view in_;
  bool is_short_{};
};

}  // namespace ace::handover
