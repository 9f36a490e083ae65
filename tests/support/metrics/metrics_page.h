#pragma once

#include <map>
#include <string>
#include <string_view>

namespace ace::test {

/// A page in Prometheus' text form, read by the rules of the format and of Prometheus' own linter:
/// each family has one HELP and one TYPE before its samples, which stand together; counters and
/// only they end in `_total`; no sample comes twice; buckets rise, and the last one is the count.
class MetricsPage {
 public:
  /// Throws std::runtime_error with the line that breaks a rule.
  explicit MetricsPage(std::string_view text);

  /// Of one sample as it stands there, `name{label="value"}`; throws when it is not there.
  [[nodiscard]] double value(const std::string& sample) const;
  /// Over all samples of a name.
  [[nodiscard]] double sum(const std::string& name) const;
  /// Samples that never go down, by what they are called: counters, and a histogram's.
  [[nodiscard]] std::map<std::string, double> totals() const;

 private:
  struct Family {
    std::string type;
    bool has_help{};
    bool has_samples{};
  };
  struct Buckets {
    double bound{};
    double count{};
    bool is_closed{};  ///< +Inf was there
  };

  void read_comment(std::string_view line);
  void read_sample(std::string_view line);
  void check_bucket(const std::string& series, const std::string& bound, double count);
  void check_histograms() const;
  [[nodiscard]] std::string family_of(const std::string& name) const;

  std::map<std::string, Family> families_;
  std::string current_;  ///< the family whose lines are being read
  std::map<std::string, double> samples_;
  std::map<std::string, Buckets> buckets_;
};

}  // namespace ace::test
