#pragma once

#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/log/level.h"

namespace ace::log {

/// Text: `2026-01-08T12:00:00.123Z info  worker:0 stream_started stream=… engine=…`. Json: one
/// object a line with ts, level, process, event and the event's fields, all of them strings; msg
/// is what it says beside its fields.
enum class Format : std::uint8_t { Text, Json };

/// Combined: as Apache and nginx write it, and three fields more. Json: one object a line.
enum class AccessFormat : std::uint8_t { Combined, Json };

struct Options {
  Level level{Level::Info};
  Format format{Format::Text};
  std::string file;     ///< empty: standard error
  std::string process;  ///< who speaks: "supervisor", "worker:3"
  /// Most lines of one kind of event in kRateWindow; 0: no limit. Debug lines are not limited.
  std::uint32_t most_alike{};
  std::string access;  ///< where answers are logged: "off", "stdout", "stderr" or a file's path
  AccessFormat access_format{};
  /// Most bytes of the access log's file, before it is renamed to `*.1` and begun anew; 0: no
  /// bound.
  std::uint64_t access_bytes{};
  std::vector<std::string> secrets;  ///< which no line shows: see without_secrets()
};

/// Once per process, after the fork. Before it, lines go to standard error as text at level info.
/// A file that cannot be opened is said so on standard error, which is then used instead.
void setup(const Options& options);
/// Opens the log files again under their names (log rotation). One that cannot be opened stays as
/// it was. Nothing to do for standard error and output.
void reopen();

/// From now on all processes that share this memory have one level, in the place of their own; it
/// outlives them. What it holds counts.
void share_level(std::atomic<Level>& shared);
[[nodiscard]] Level level();
/// Of all that share it, at once.
void set_level(Level level);

[[nodiscard]] bool is_enabled(Level level);
/// One line. Never blocks: what the sink does not take now is dropped and counted, and told with
/// the next line that it takes.
void write(Level level, std::string_view event, std::string_view text);
/// Lines that no sink took, since setup().
[[nodiscard]] std::uint64_t dropped_lines();
/// Now and then: tells how many lines of an event were left out, when no line of it has come since.
void tell_suppressed();

/// Events: `log::info("owner_claimed", "stream={} epoch={}", id.text(), epoch.value)`. Never a URL
/// with credentials, never a key. Text that comes from outside stands as `agent={:?}`, which quotes
/// and escapes it: no value can look like another field.
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
