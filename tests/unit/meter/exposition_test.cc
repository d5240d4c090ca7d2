// SPDX-License-Identifier: Apache-2.0
#include "plumb/meter/exposition.h"

#include <gtest/gtest.h>

#include <limits>

namespace plumb::runtime {
namespace {

const std::vector<Family> kAll = {
    {"hits_total",
     "Hits \\ all\nof \"them\".",
     MetricType::kCounter,
     {},
     {{.labels = {{"path", "/a\"b\\c\nd"}}, .value = 3}, {.labels = {}, .value = 0.25}}},
    {"open", "Open.", MetricType::kGauge, {}, {{.labels = {}, .value = 1e18}}},
    {"wait_seconds",
     "Wait.",
     MetricType::kHistogram,
     {0.5, 1, 1e-7},
     {{.labels = {{"of", "x"}}, .buckets = {2, 0, 3, 1}, .sum = 7.5}}},
};

TEST(Exposition, PrometheusText) {
  EXPECT_EQ(expose(kAll, Exposition::kPrometheus),
            "# HELP hits_total Hits \\\\ all\\nof \"them\".\n"
            "# TYPE hits_total counter\n"
            "hits_total{path=\"/a\\\"b\\\\c\\nd\"} 3\n"
            "hits_total 0.25\n"
            "# HELP open Open.\n"
            "# TYPE open gauge\n"
            "open 1e+18\n"
            "# HELP wait_seconds Wait.\n"
            "# TYPE wait_seconds histogram\n"
            "wait_seconds_bucket{of=\"x\",le=\"0.5\"} 2\n"
            "wait_seconds_bucket{of=\"x\",le=\"1.0\"} 2\n"
            "wait_seconds_bucket{of=\"x\",le=\"1e-07\"} 5\n"
            "wait_seconds_bucket{of=\"x\",le=\"+Inf\"} 6\n"
            "wait_seconds_sum{of=\"x\"} 7.5\n"
            "wait_seconds_count{of=\"x\"} 6\n");
}

TEST(Exposition, OpenMetricsNamesCountersWithoutTheirEndingAndHasAnEnd) {
  const auto text = expose(kAll, Exposition::kOpenMetrics);
  EXPECT_TRUE(
      text.starts_with("# HELP hits Hits \\\\ all\\nof \\\"them\\\".\n"
                       "# TYPE hits counter\n"
                       "hits_total{path="))
      << text;
  EXPECT_TRUE(text.ends_with("wait_seconds_count{of=\"x\"} 6\n# EOF\n")) << text;
}

TEST(Exposition, NumbersThatAreNone) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<Family> odd = {
      {"odd",
       "",
       MetricType::kGauge,
       {},
       {{.labels = {}, .value = infinity},
        {.labels = {}, .value = -infinity},
        {.labels = {}, .value = std::numeric_limits<double>::quiet_NaN()}}}};
  EXPECT_EQ(expose(odd, Exposition::kPrometheus),
            "# HELP odd \n# TYPE odd gauge\nodd +Inf\nodd -Inf\nodd NaN\n");
}

TEST(Exposition, TheFormatIsTheOneThatIsAskedFor) {
  const auto asked = [](std::string_view accept) { return exposition_for(accept); };
  EXPECT_EQ(asked(""), Exposition::kPrometheus);
  EXPECT_EQ(asked("*/*"), Exposition::kPrometheus);
  EXPECT_EQ(asked("text/plain;version=0.0.4;q=0.2,*/*;q=0.1"), Exposition::kPrometheus);
  EXPECT_EQ(asked("application/openmetrics-text; version=1.0.0,text/plain;q=0.5"),
            Exposition::kOpenMetrics);
  EXPECT_EQ(asked("text/plain, application/openmetrics-text;q=0.75"), Exposition::kOpenMetrics);
  EXPECT_EQ(asked("application/openmetrics-text;q=0.0"), Exposition::kPrometheus);
  EXPECT_NE(content_type(Exposition::kPrometheus), content_type(Exposition::kOpenMetrics));
}

}  // namespace
}  // namespace plumb::runtime
