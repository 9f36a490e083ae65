#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace ace::metrics {

struct Label {
  std::string name;
  std::string value;
};
using Labels = std::vector<Label>;

/// A histogram as a page shows it: what lies at or below `upper_bound` and above the bucket before.
struct HistogramSample {
  struct Bucket {
    double upper_bound{};
    std::uint64_t count{};
  };
  std::vector<Bucket> buckets;  ///< by rising bound
  std::uint64_t above{};        ///< beyond the last bound
  double sum{};
};

/// All samples of one name.
class Family {
 public:
  Family(std::string_view name, std::string_view help, prometheus::MetricType type);
  /// Of a gauge or a counter. Label values must come from a set that is known and small.
  Family& add(double value, const Labels& labels = {});
  Family& add(std::uint64_t value, const Labels& labels = {});
  Family& add(const HistogramSample& sample, const Labels& labels = {});
  [[nodiscard]] const prometheus::MetricFamily& content() const { return content_; }

 private:
  prometheus::MetricFamily content_;
};

/// A page in Prometheus' text form, of numbers that are read just now: there is no registry, for
/// they live in memory that several processes share.
class TextPage {
 public:
  static constexpr std::string_view kContentType{"text/plain; version=0.0.4; charset=utf-8"};

  /// A family is valid for as long as its page. Names and help as Prometheus wants them: base
  /// units, `_total` behind counters.
  Family& gauge(std::string_view name, std::string_view help);
  Family& counter(std::string_view name, std::string_view help);
  Family& histogram(std::string_view name, std::string_view help);
  [[nodiscard]] std::string text() const;

 private:
  std::deque<Family> families_;
};

}  // namespace ace::metrics
