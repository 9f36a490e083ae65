#include "shared/log/access_log.h"

#include <fmt/format.h>

#include "shared/base/secret.h"
#include "shared/log/log_text.h"

namespace ace::log {
namespace {

std::string dash_or_escaped(std::string_view text) {
  if (text.empty()) return "-";
  std::string out;
  append_escaped(out, without_secrets(text));
  return out;
}

void add_member(std::string& out, std::string_view key, std::string_view value) {
  out += fmt::format(R"("{}":")", key);
  append_json(out, without_secrets(value));
  out += R"(",)";
}

double seconds(std::chrono::milliseconds took) { return static_cast<double>(took.count()) / 1000; }

std::string combined_line(const AccessEntry& entry) {
  return fmt::format(
      R"({} - {} {} "{}" {} {} "{}" "{}" {} {:.3f} "{}")", dash_or_escaped(entry.address),
      dash_or_escaped(entry.user), clf_timestamp(entry.began), dash_or_escaped(entry.request),
      entry.status, entry.bytes, dash_or_escaped(entry.referer), dash_or_escaped(entry.agent),
      dash_or_escaped(entry.request_id), seconds(entry.took), dash_or_escaped(entry.why));
}

std::string json_line(const AccessEntry& entry) {
  std::string out = "{";
  add_member(out, "ts", iso_timestamp(entry.began));
  add_member(out, "address", entry.address);
  add_member(out, "user", entry.user);
  add_member(out, "request", entry.request);
  add_member(out, "referer", entry.referer);
  add_member(out, "agent", entry.agent);
  add_member(out, "request_id", entry.request_id);
  add_member(out, "why", entry.why);
  out += fmt::format(R"("status":{},"bytes":{},"seconds":{:.3f}}})", entry.status, entry.bytes,
                     seconds(entry.took));
  return out;
}

}  // namespace

std::string access_line(const AccessEntry& entry, AccessFormat format) {
  return format == AccessFormat::Json ? json_line(entry) : combined_line(entry);
}

}  // namespace ace::log
