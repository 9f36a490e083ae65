#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "shared/curl/easy.h"
#include "shared/curl/transfer.h"

namespace ace::curl {

class MultiState;

/// One easy handle with its callbacks. libcurl holds its address: not movable. It lives on while
/// libcurl still has the handle, with the listener cut off.
class TransferState : public std::enable_shared_from_this<TransferState> {
 public:
  TransferState(std::weak_ptr<MultiState> multi, const Request& request,
                Transfer::Listener& listener);
  TransferState(const TransferState&) = delete;
  TransferState& operator=(const TransferState&) = delete;

  /// No callback from here on; the handle leaves libcurl now or as soon as libcurl allows it.
  void abort();
  /// libcurl is through with the handle (which it has given back).
  void finish(CURLcode code);
  void resume();
  [[nodiscard]] UniqueFd detach();
  /// The socket that libcurl waits for on behalf of this transfer; -1: none. libcurl's own answer
  /// (CURLINFO_ACTIVESOCKET) is not there before a transfer has ended.
  void set_socket(int socket) { socket_ = socket; }
  [[nodiscard]] bool is_paused() const { return paused_; }
  [[nodiscard]] Phase phase() const;
  [[nodiscard]] bool is_aborted() const { return listener_ == nullptr; }
  [[nodiscard]] CURL* raw() const { return easy_.raw(); }

 private:
  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) noexcept;
  static std::size_t on_write(char* data, std::size_t, std::size_t size, void* user) noexcept;
  void take_header(std::string_view line);
  [[nodiscard]] std::string peer() const;
  void continue_reading();

  std::weak_ptr<MultiState> multi_;
  Transfer::Listener* listener_;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  ResponseHead head_;
  bool headers_in_{};
  bool paused_{};
  bool delivering_{};  // the listener has the bytes and has not said what to do with them
  bool resuming_{};    // a resume() is on its way through the loop
  std::size_t header_bytes_{};
  int socket_{-1};
  Easy easy_;
};

}  // namespace ace::curl
