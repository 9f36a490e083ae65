#include "shared/log/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "shared/base/check_report.h"
#include "shared/base/clock.h"
#include "shared/base/secret.h"
#include "shared/log/access_log.h"
#include "shared/log/line_output.h"
#include "shared/log/line_rate.h"
#include "shared/log/line_sink.h"
#include "shared/log/log_fields.h"
#include "shared/log/log_text.h"

namespace ace::log {
namespace {

using Standard = LineOutput::Standard;

/// How often what was left out is looked for, beside the lines that are written.
constexpr std::chrono::seconds kLookEvery{1};

/// One of the process's logs: what is written to `logger` goes to `sink`.
struct Channel {
  Channel(const std::string& name, LineOutput output)
      : sink{std::make_shared<LineSink>(std::move(output))}, logger{name, sink} {
    logger.set_level(spdlog::level::trace);               // whoever writes has asked already
    logger.set_error_handler([](const std::string&) {});  // a log is no reason to end
  }
  [[nodiscard]] LineOutput& output() const { return sink->output(); }

  std::shared_ptr<LineSink> sink;
  spdlog::logger logger;
  std::string_view setting;  ///< that says where it goes
  std::string path;          ///< of the file that it was to be
  std::uint64_t most_bytes{};
  int error{};  ///< why it is not; an errno
};

struct Log {
  Options options;
  std::atomic<Level>* shared_level{};
  std::unique_ptr<Channel> lines;
  std::unique_ptr<Channel> access;  ///< nothing: off
  LineRate rate{0};
  SteadyTime looked_at;
  std::uint64_t told_dropped{};
};

Log& the_log() {
  static Log log;
  return log;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::Debug:
      return spdlog::level::debug;
    case Level::Info:
      return spdlog::level::info;
    case Level::Warn:
      return spdlog::level::warn;
    case Level::Error:
      break;
  }
  return spdlog::level::err;
}

/// Our words for the levels, where spdlog says "warning".
class LevelWord final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& line) override {
    std::string_view word = to_string(Level::Error);
    for (const auto level : {Level::Debug, Level::Info, Level::Warn}) {
      if (to_spdlog(level) == message.level) word = to_string(level);
    }
    line.append(word.data(), word.data() + word.size());
    for (auto width = word.size(); width < padinfo_.width_; ++width) line.push_back(' ');
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LevelWord>();
  }
};

std::unique_ptr<spdlog::formatter> formatter_of(Format format) {
  auto formatter =
      std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc, "\n");
  formatter->add_flag<LevelWord>('K');
  formatter->set_pattern(format == Format::Text
                             ? "%Y-%m-%dT%H:%M:%S.%eZ %-5K %n %v"
                             : R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%K","process":"%n",%v})");
  return formatter;
}

/// Into standard error when the file cannot be opened.
std::unique_ptr<Channel> open_file(const std::string& name, std::string path,
                                   std::uint64_t most_bytes = 0) {
  LineOutput file{path, most_bytes};
  const int error = file.error();
  auto channel =
      std::make_unique<Channel>(name, error == 0 ? std::move(file) : LineOutput{Standard::Error});
  channel->path = std::move(path);
  channel->most_bytes = most_bytes;
  channel->error = error;
  return channel;
}

std::unique_ptr<Channel> open_lines(const Options& options) {
  auto channel = options.file.empty()
                     ? std::make_unique<Channel>(options.process, LineOutput{Standard::Error})
                     : open_file(options.process, options.file);
  channel->setting = "PROXY_LOG_FILE";
  channel->logger.set_formatter(formatter_of(options.format));
  return channel;
}

std::unique_ptr<Channel> open_access(const Options& options) {
  const auto& where = options.access;
  if (where.empty() || where == "off") return nullptr;
  const auto standard = where == "stdout" ? Standard::Output : Standard::Error;
  auto channel = access_file(options).empty()
                     ? std::make_unique<Channel>("access", LineOutput{standard})
                     : open_file("access", where, options.access_bytes);
  channel->setting = "PROXY_ACCESS_LOG";
  channel->logger.set_pattern("%v");
  return channel;
}

/// What a line says, after its time, level and process.
std::string content_of(std::string_view event, std::string_view given) {
  const auto text = without_secrets(given);
  if (the_log().options.format == Format::Text) return fmt::format("{} {}", event, one_line(text));
  std::string members = R"("event":")";
  append_json(members, event);
  members += '"';
  append_members(members, text);
  return members;
}

void put_line(Level level, std::string_view event, std::string_view text) {
  const auto content = content_of(event, text);
  the_log().lines->logger.log(to_spdlog(level),
                              spdlog::string_view_t{content.data(), content.size()});
}

/// Straight to the sink, however many of its kind there were.
void put(Level level, std::string_view event, std::string_view text) {
  auto& log = the_log();
  if (!log.lines) log.lines = open_lines(log.options);
  const auto dropped = log.lines->output().dropped();
  if (dropped > log.told_dropped) {
    put_line(Level::Warn, "log_lines_dropped", fmt::format("count={}", dropped - log.told_dropped));
    if (log.lines->output().dropped() == dropped) log.told_dropped = dropped;
  }
  put_line(level, event, text);
}

void tell_suppressed(SteadyTime now) {
  auto& log = the_log();
  log.looked_at = now;
  for (const auto& [event, count] : log.rate.take_suppressed(now)) {
    put(Level::Warn, "log_lines_suppressed", fmt::format("of={} suppressed={}", event, count));
  }
}

void complain_if_closed(const Channel& channel) {
  if (channel.error == 0) return;
  put(Level::Error, "log_file_not_opened",
      fmt::format("setting={} file={:?} why={:?}", channel.setting, channel.path,
                  std::string_view{std::strerror(channel.error)}));
}

void reopen(Channel& channel) {
  auto& output = channel.output();
  if (output.path() == channel.path) {
    output.reopen();
    channel.error = output.error();
    return;
  }
  // Standard error stands in for it so far.
  LineOutput file{channel.path, channel.most_bytes};
  channel.error = file.error();
  if (file.is_open()) output = std::move(file);
}

template <class Visit>
void for_each_channel(Visit visit) {
  auto& log = the_log();
  for (auto* channel : {log.lines.get(), log.access.get()}) {
    if (channel != nullptr) visit(*channel);
  }
}

}  // namespace

void setup(const Options& options) {
  auto& log = the_log();
  log.options = options;
  hide_secrets(options.secrets);
  log.lines = open_lines(options);
  log.access = open_access(options);
  log.rate = LineRate{options.most_alike};
  log.told_dropped = 0;
  for_each_channel([](const Channel& channel) { complain_if_closed(channel); });
  report_checks_to([](std::string_view fields) { put(Level::Error, "check_failed", fields); });
}

std::string_view access_file(const Options& options) {
  const std::string_view where = options.access;
  const bool is_word = where == "off" || where == "stdout" || where == "stderr";
  return is_word ? std::string_view{} : where;
}

void reopen() {
  for_each_channel([](Channel& channel) {
    reopen(channel);
    complain_if_closed(channel);
  });
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
  const auto of = [](const auto& channel) { return channel ? channel->output().dropped() : 0; };
  return of(log.lines) + of(log.access);
}

void tell_suppressed() { tell_suppressed(SystemClock{}.now()); }

bool is_access_logged() { return the_log().access != nullptr; }

void access(const AccessEntry& entry) {
  const auto& log = the_log();
  if (!log.access) return;
  const auto line = access_line(entry, log.options.access_format);
  log.access->logger.log(spdlog::level::info, spdlog::string_view_t{line.data(), line.size()});
}

}  // namespace ace::log
