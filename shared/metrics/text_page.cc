#include "shared/metrics/text_page.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "shared/base/text.h"

namespace ace::metrics {
namespace {

prometheus::ClientMetric labelled(const Labels& labels) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : labels) metric.label.push_back({name, valid_utf8(value)});
  return metric;
}

}  // namespace

Family::Family(std::string_view name, std::string_view help, prometheus::MetricType type) {
  content_.name = name;
  content_.help = help;
  content_.type = type;
}

Family& Family::add(double value, const Labels& labels) {
  auto metric = labelled(labels);
  if (content_.type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  content_.metric.push_back(std::move(metric));
  return *this;
}

Family& Family::add(std::uint64_t value, const Labels& labels) {
  return add(static_cast<double>(value), labels);
}

Family& Family::add(const HistogramSample& sample, const Labels& labels) {
  auto metric = labelled(labels);
  auto& histogram = metric.histogram;
  for (const auto& bucket : sample.buckets) {
    histogram.sample_count += bucket.count;
    histogram.bucket.push_back({histogram.sample_count, bucket.upper_bound});
  }
  histogram.sample_count += sample.above;  // the serializer writes the last bucket, +Inf, of it
  histogram.sample_sum = sample.sum;
  content_.metric.push_back(std::move(metric));
  return *this;
}

Family& TextPage::gauge(std::string_view name, std::string_view help) {
  return families_.emplace_back(name, help, prometheus::MetricType::Gauge);
}

Family& TextPage::counter(std::string_view name, std::string_view help) {
  return families_.emplace_back(name, help, prometheus::MetricType::Counter);
}

Family& TextPage::histogram(std::string_view name, std::string_view help) {
  return families_.emplace_back(name, help, prometheus::MetricType::Histogram);
}

std::string TextPage::text() const {
  std::vector<prometheus::MetricFamily> families;
  std::ranges::transform(families_, std::back_inserter(families), &Family::content);
  return prometheus::TextSerializer{}.Serialize(families);
}

}  // namespace ace::metrics
