#include "tests/support/metrics/metrics_page.h"

#include <string>

#include <catch2/catch.hpp>

#include "shared/metrics/text_page.h"

using ace::metrics::TextPage;
using ace::test::MetricsPage;

TEST_CASE("a page is what Prometheus reads", "[metrics]") {
  TextPage page;
  page.gauge("ace_a", "What a is.").add(1.5, {{"x", "1"}}).add(std::uint64_t{2}, {{"x", "2"}});
  page.counter("ace_b_total", "What b is.").add(std::uint64_t{123'456'789'012});
  page.histogram("ace_c_seconds", "What c is.")
      .add({.buckets = {{0.5, 2}, {1.0, 0}, {2.0, 3}}, .above = 1, .sum = 9.25});
  const MetricsPage read{page.text()};
  CHECK(read.value("ace_a{x=\"1\"}") == 1.5);
  CHECK(read.sum("ace_a") == 3.5);
  CHECK(read.value("ace_b_total") == 123'456'789'012.0);
  CHECK(read.value("ace_c_seconds_bucket{le=\"1\"}") == 2);
  CHECK(read.value("ace_c_seconds_bucket{le=\"2\"}") == 5);
  CHECK(read.value("ace_c_seconds_bucket{le=\"+Inf\"}") == 6);
  CHECK(read.value("ace_c_seconds_count") == 6);
  CHECK(read.value("ace_c_seconds_sum") == 9.25);
  CHECK(read.totals().size() == 1 + 4 + 2);
  CHECK_THROWS(read.value("ace_d"));
}

TEST_CASE("the reader of pages lets nothing pass", "[metrics]") {
  const std::string head = "# HELP a A.\n# TYPE a gauge\n";
  const std::string histogram = "# HELP h H.\n# TYPE h histogram\n";
  const auto page = GENERATE_COPY(
      std::string{"a 1\n"}, head + "a 1", head + "a one\n", head + "a 1\na 2\n",
      head + "a{b=1} 1\n", head + "b 1\n", head + "\n", head + head + "a 1\n",
      std::string{"# TYPE a gauge\na 1\n"}, std::string{"# HELP a A.\n# TYPE a counter\na 1\n"},
      std::string{"# HELP a_total A.\n# TYPE a_total gauge\na_total 1\n"},
      head + "# HELP b B.\n# TYPE b gauge\na 1\n",
      histogram + "h_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n",
      histogram + "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
      histogram + "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 2\n",
      histogram +
          "h_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_count 1\n");
  INFO(page);
  CHECK_THROWS(MetricsPage{page});
}
