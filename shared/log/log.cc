#include "shared/log/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <memory>

namespace ace::log {
namespace {

/// The process's one logger. spdlog's file sinks throw; nothing here lets an exception out, for
/// logging must never end the process that serves viewers.
struct Output {
  Options options;
  std::shared_ptr<spdlog::logger> logger;
};

Output& output() {
  static Output the_output;
  return the_output;
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
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view name(Level level) {
  switch (level) {
    case Level::Debug:
      return "debug";
    case Level::Info:
      return "info";
    case Level::Warn:
      return "warn";
    case Level::Error:
      return "error";
  }
  return "info";
}

std::shared_ptr<spdlog::sinks::sink> make_sink(const std::string& file) {
  if (!file.empty()) {
    try {
      return std::make_shared<spdlog::sinks::basic_file_sink_st>(file);
    } catch (const spdlog::spdlog_ex& failed) {
      std::fprintf(stderr, "log file %s cannot be opened (%s): logging to standard error\n",
                   file.c_str(), failed.what());
    }
  }
  return std::make_shared<spdlog::sinks::stderr_sink_st>();
}

void open() {
  auto& out = output();
  out.logger = std::make_shared<spdlog::logger>("ace", make_sink(out.options.file));
  out.logger->set_pattern("%v");
  out.logger->set_level(to_spdlog(out.options.level));
  out.logger->flush_on(spdlog::level::debug);
  out.logger->set_error_handler([](const std::string&) {});  // a full disk is not our end
}

void append_json(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out.push_back(c);
    }
  }
}

std::string timestamp() {
  const auto now = std::chrono::system_clock::now();
  const auto whole = std::chrono::time_point_cast<std::chrono::seconds>(now);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - whole).count();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(whole);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, ms);
}

std::string one_line(std::string_view text) {
  std::string clean{text};
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';  // a value from outside forges no line
  }
  return clean;
}

}  // namespace

void setup(const Options& options) {
  output().options = options;
  open();
}

void reopen() {
  if (!output().options.file.empty()) open();
}

bool is_enabled(Level level) { return level >= output().options.level; }

void write(Level level, std::string_view event, std::string_view text) {
  auto& out = output();
  if (!out.logger) open();
  std::string line;
  if (out.options.format == Format::Json) {
    line = fmt::format(R"({{"ts":"{}","level":"{}","process":")", timestamp(), name(level));
    append_json(line, out.options.process);
    line += R"(","event":")";
    append_json(line, event);
    line += R"(","msg":")";
    append_json(line, text);
    line += R"("})";
  } else {
    line = fmt::format("{} {:<5} {} {} {}", timestamp(), name(level), out.options.process, event,
                       one_line(text));
  }
  out.logger->log(to_spdlog(level), spdlog::string_view_t{line.data(), line.size()});
}

}  // namespace ace::log
