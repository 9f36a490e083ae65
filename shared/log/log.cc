#include "shared/log/log.h"

#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>

#include "shared/base/clock.h"
#include "shared/log/access_log.h"
#include "shared/log/line_output.h"
#include "shared/log/line_rate.h"
#include "shared/log/log_text.h"

namespace ace::log {
namespace {

using Standard = LineOutput::Standard;

/// How often what was left out is looked for, beside the lines that are written.
constexpr std::chrono::seconds kLookEvery{1};

/// The process's one log, and its access log.
struct Log {
  Options options;
  std::atomic<Level>* shared_level{};
  LineOutput lines{Standard::Error};
  std::optional<LineOutput> access;  ///< nothing: off
  LineRate rate{0};
  SteadyTime looked_at;
  std::uint64_t told_dropped{};
};

Log& the_log() {
  static Log log;
  return log;
}

LineOutput file_or_stderr(const std::string& path) {
  LineOutput file{path};
  if (file.is_open()) return file;
  std::fprintf(stderr, "log file %s cannot be opened (%s): logging to standard error\n",
               path.c_str(), std::strerror(file.error()));
  return LineOutput{Standard::Error};
}

std::optional<LineOutput> access_output(const std::string& where) {
  if (where.empty() || where == "off") return std::nullopt;
  if (where == "stdout") return LineOutput{Standard::Output};
  if (where == "stderr") return LineOutput{Standard::Error};
  return file_or_stderr(where);
}

std::string line_of(Level level, std::string_view event, std::string_view text) {
  const auto& options = the_log().options;
  const auto now = iso_timestamp(SystemClock{}.wall_now());
  if (options.format == Format::Text) {
    return fmt::format("{} {:<5} {} {} {}\n", now, to_string(level), options.process, event,
                       one_line(text));
  }
  auto line = fmt::format(R"({{"ts":"{}","level":"{}","process":")", now, to_string(level));
  append_json(line, options.process);
  line += R"(","event":")";
  append_json(line, event);
  line += R"(","msg":")";
  append_json(line, text);
  line += "\"}\n";
  return line;
}

/// Straight to the sink, however many of its kind there were.
void put(Level level, std::string_view event, std::string_view text) {
  auto& log = the_log();
  const auto missing = log.lines.dropped() - log.told_dropped;
  if (missing > 0) {
    const auto told = line_of(Level::Warn, "log_lines_dropped", fmt::format("count={}", missing));
    if (log.lines.write(told)) log.told_dropped += missing;
  }
  static_cast<void>(log.lines.write(line_of(level, event, text)));
}

void tell_suppressed(SteadyTime now) {
  auto& log = the_log();
  log.looked_at = now;
  for (const auto& [event, count] : log.rate.take_suppressed(now)) {
    put(Level::Warn, "log_lines_suppressed", fmt::format("of={} suppressed={}", event, count));
  }
}

void complain_if_closed(const LineOutput& output) {
  if (output.error() == 0) return;
  put(Level::Error, "log_file_not_opened",
      fmt::format("file={:?} why=\"{}\"", output.path(), std::strerror(output.error())));
}

}  // namespace

void setup(const Options& options) {
  auto& log = the_log();
  log.options = options;
  log.lines = options.file.empty() ? LineOutput{Standard::Error} : file_or_stderr(options.file);
  log.access = access_output(options.access);
  log.rate = LineRate{options.most_alike};
  log.told_dropped = 0;
}

void reopen() {
  auto& log = the_log();
  log.lines.reopen();
  complain_if_closed(log.lines);
  if (!log.access) return;
  log.access->reopen();
  complain_if_closed(*log.access);
}

void share_level(std::atomic<Level>& shared) { the_log().shared_level = &shared; }

Level level() {
  const auto& log = the_log();
  if (log.shared_level == nullptr) return log.options.level;
  return log.shared_level->load(std::memory_order_relaxed);
}

void set_level(Level level) {
  auto& log = the_log();
  log.options.level = level;
  if (log.shared_level != nullptr) log.shared_level->store(level, std::memory_order_relaxed);
}

bool is_enabled(Level wanted) { return wanted >= level(); }

void write(Level level, std::string_view event, std::string_view text) {
  auto& log = the_log();
  const auto now = SystemClock{}.now();
  if (now - log.looked_at >= kLookEvery) tell_suppressed(now);
  if (level != Level::Debug && !log.rate.admits(event, now)) return;
  put(level, event, text);
}

std::uint64_t dropped_lines() {
  const auto& log = the_log();
  return log.lines.dropped() + (log.access ? log.access->dropped() : 0);
}

void tell_suppressed() { tell_suppressed(SystemClock{}.now()); }

bool is_access_logged() { return the_log().access.has_value(); }

void access(const AccessEntry& entry) {
  auto& log = the_log();
  if (!log.access) return;
  static_cast<void>(log.access->write(access_line(entry, log.options.access_format) + '\n'));
}

}  // namespace ace::log
