#pragma once

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include <utility>

#include "shared/log/line_output.h"

namespace ace::log {

/// Lets spdlog, whose own sinks wait, write where nothing waits. For one thread.
class LineSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit LineSink(LineOutput output) : output_{std::move(output)} {}

  [[nodiscard]] LineOutput& output() { return output_; }
  [[nodiscard]] const LineOutput& output() const { return output_; }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    static_cast<void>(output_.write({line.data(), line.size()}));
  }
  void flush_() override {}

  LineOutput output_;
};

}  // namespace ace::log
