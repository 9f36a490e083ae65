#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace ace::log {

/// error: someone must act. warn: degraded but serving. info: once per life-cycle step.
/// debug: per chunk or request.
enum class Level { Debug, Info, Warn, Error };

/// Text: `2026-01-08T12:00:00.123 info  stream_started stream=… engine=…`. Json: one object a line
/// with ts, level, process, event, msg.
enum class Format { Text, Json };

struct Options {
  Level level{Level::Info};
  Format format{Format::Text};
  std::string file;     ///< empty: standard error
  std::string process;  ///< who speaks: "supervisor", "worker:3"
};

/// Once per process, after the fork. Before it, lines go to standard error as text at level info.
/// A file that cannot be opened is said so on standard error, which is then used instead.
void setup(const Options& options);
/// Opens the log file again under its name (log rotation). Nothing to do for standard error.
void reopen();

[[nodiscard]] bool is_enabled(Level level);
/// One line. A sink that blocks or fails never stops the caller for long: lines are dropped.
void write(Level level, std::string_view event, std::string_view text);

/// Events: `log::info("owner_claimed", "stream={} epoch={}", id.text(), epoch.value)`. Never a URL
/// with credentials, never a key.
template <class... A>
void debug(std::string_view event, fmt::format_string<A...> text, A&&... args) {
  if (is_enabled(Level::Debug)) {
    write(Level::Debug, event, fmt::format(text, std::forward<A>(args)...));
  }
}
template <class... A>
void info(std::string_view event, fmt::format_string<A...> text, A&&... args) {
  if (is_enabled(Level::Info)) {
    write(Level::Info, event, fmt::format(text, std::forward<A>(args)...));
  }
}
template <class... A>
void warn(std::string_view event, fmt::format_string<A...> text, A&&... args) {
  if (is_enabled(Level::Warn)) {
    write(Level::Warn, event, fmt::format(text, std::forward<A>(args)...));
  }
}
template <class... A>
void error(std::string_view event, fmt::format_string<A...> text, A&&... args) {
  if (is_enabled(Level::Error)) {
    write(Level::Error, event, fmt::format(text, std::forward<A>(args)...));
  }
}

}  // namespace ace::log
