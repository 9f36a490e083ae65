#include "tests/support/metrics/metrics_page.h"

#include <fmt/format.h>

#include <limits>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace ace::test {
namespace {

constexpr std::string_view kTotal{"_total"};

void must(bool is_right, std::string_view rule, std::string_view line) {
  if (!is_right) throw std::runtime_error{fmt::format("metrics: {}: {}", rule, line)};
}

double number(const std::string& text, std::string_view line) {
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  std::size_t read = 0;
  double value = 0;
  try {
    value = std::stod(text, &read);
  } catch (const std::exception&) {
    read = std::string::npos;
  }
  must(read == text.size(), "a value is a number", line);
  return value;
}

}  // namespace

MetricsPage::MetricsPage(std::string_view text) {
  must(text.ends_with('\n'), "the last line has an end", text.substr(text.rfind('\n') + 1));
  std::istringstream lines{std::string{text}};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) {
      read_comment(line);
    } else {
      read_sample(line);
    }
  }
  check_histograms();
}

void MetricsPage::read_comment(std::string_view line) {
  static const std::regex kComment{"# (HELP|TYPE) ([a-z_][a-z0-9_]*) (.+)"};
  std::match_results<std::string_view::const_iterator> found;
  must(std::regex_match(line.begin(), line.end(), found, kComment), "HELP or TYPE of a name", line);
  const std::string name = found[2];
  auto& family = families_[name];
  must(!family.has_samples, "HELP and TYPE come before the samples", line);
  if (found[1] == "HELP") {
    must(!family.has_help, "one HELP a family", line);
    family.has_help = true;
  } else {
    must(family.type.empty(), "one TYPE a family", line);
    family.type = found[3];
    must(name.ends_with(kTotal) == (family.type == "counter"), "counters end in _total", line);
  }
  current_ = name;
}

void MetricsPage::read_sample(std::string_view line) {
  static const std::regex kSample{
      R"re(([a-z_][a-z0-9_]*)(\{[a-z_]+="[^"\\]*"(?:,[a-z_]+="[^"\\]*")*\})? (\S+))re"};
  static const std::regex kBound{R"re(,?le="([^"]*)")re"};
  std::match_results<std::string_view::const_iterator> found;
  must(std::regex_match(line.begin(), line.end(), found, kSample), "name{labels} value", line);
  const std::string name = found[1];
  const std::string labels = found[2];
  const double value = number(found[3], line);
  must(family_of(name) == current_, "a family's samples stand together", line);
  auto& family = families_.at(current_);
  must(family.has_help && !family.type.empty(), "a family has HELP and TYPE", line);
  family.has_samples = true;
  must(samples_.emplace(name + labels, value).second, "a sample comes once", line);
  if (!name.ends_with("_bucket") || family.type != "histogram") return;
  std::smatch bound;
  must(std::regex_search(labels, bound, kBound), "a bucket has its bound", line);
  check_bucket(current_ + std::regex_replace(labels, kBound, ""), bound[1], value);
}

std::string MetricsPage::family_of(const std::string& name) const {
  for (const std::string_view part : {"_bucket", "_sum", "_count"}) {
    if (!name.ends_with(part)) continue;
    const auto whole = name.substr(0, name.size() - part.size());
    const auto found = families_.find(whole);
    if (found != families_.end() && found->second.type == "histogram") return whole;
  }
  return name;
}

void MetricsPage::check_bucket(const std::string& series, const std::string& bound, double count) {
  auto& last = buckets_[series];
  const double upper = number(bound, series);
  must(upper > last.bound, "bounds rise", series);
  must(count >= last.count, "buckets hold those before", series);
  last = {.bound = upper, .count = count, .is_closed = bound == "+Inf"};
}

void MetricsPage::check_histograms() const {
  for (const auto& [series, last] : buckets_) {
    must(last.is_closed, "the last bucket is +Inf", series);
    auto count = series;
    const auto labels = count.find('{');
    count.insert(labels == std::string::npos ? count.size() : labels, "_count");
    if (count.ends_with("{}")) count.resize(count.size() - 2);
    must(value(count) == last.count, "the last bucket is the count", series);
  }
}

double MetricsPage::value(const std::string& sample) const {
  const auto found = samples_.find(sample);
  must(found != samples_.end(), "a sample is there", sample);
  return found->second;
}

double MetricsPage::sum(const std::string& name) const {
  double all = 0;
  for (const auto& [sample, value] : samples_) {
    if (sample.substr(0, sample.find('{')) == name) all += value;
  }
  return all;
}

std::map<std::string, double> MetricsPage::totals() const {
  std::map<std::string, double> all;
  for (const auto& [sample, value] : samples_) {
    const auto& type = families_.at(family_of(sample.substr(0, sample.find('{')))).type;
    if (type == "counter" || type == "histogram") all.emplace(sample, value);
  }
  return all;
}

}  // namespace ace::test
