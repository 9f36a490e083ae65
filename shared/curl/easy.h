#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

#include "shared/base/check.h"

namespace ace::curl {

/// Owns one easy handle. Private to this folder: it is the only header that brings libcurl's in.
/// The setters know only options that this libcurl has, so a refusal is a bug of ours.
class Easy {
 public:
  Easy() : handle_{curl_easy_init()} { ACE_CHECK(handle_, "libcurl can make a handle"); }

  [[nodiscard]] CURL* raw() const { return handle_.get(); }

  void set_number(CURLoption option, long value) { set(option, value); }
  void set_text(CURLoption option, const std::string& value) { set(option, value.c_str()); }
  void set_pointer(CURLoption option, void* value) { set(option, value); }
  template <class F>
  void set_function(CURLoption option, F* function) {
    set(option, function);
  }

  [[nodiscard]] long number(CURLINFO info) const {
    long value{};
    curl_easy_getinfo(handle_.get(), info, &value);
    return value;
  }
  [[nodiscard]] std::string text(CURLINFO info) const {
    const char* value{};
    curl_easy_getinfo(handle_.get(), info, &value);
    return value != nullptr ? value : "";
  }
  [[nodiscard]] curl_off_t offset(CURLINFO info) const {
    curl_off_t value{};
    curl_easy_getinfo(handle_.get(), info, &value);
    return value;
  }

 private:
  struct Cleanup {
    void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
  };

  template <class T>
  void set(CURLoption option, T value) {
    ACE_CHECK(curl_easy_setopt(handle_.get(), option, value) == CURLE_OK,
              "libcurl takes the options it was built with");
  }

  std::unique_ptr<CURL, Cleanup> handle_;
};

}  // namespace ace::curl
