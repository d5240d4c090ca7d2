// SPDX-License-Identifier: Apache-2.0
// Metric: the names and the values of metrics, as plain values: what a scrape sees.
// A name that Prometheus would refuse does not compile: names are checked as constants.
// Threads: values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plumb::runtime {

enum class MetricType : std::uint8_t { kCounter, kGauge, kHistogram };

// The name of a metric of type `Type`: [a-zA-Z_:][a-zA-Z0-9_:]*. A counter's ends in "_total", no
// other's does, and none ends as the samples of a histogram do. Of a literal only.
template <MetricType Type>
class MetricName {
 public:
  consteval MetricName(const char* text) : text_(text) {
    if (text_.empty()) throw "a metric needs a name";
    for (std::size_t i = 0; i < text_.size(); ++i) {
      const char c = text_[i];
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
      if (!letter && (i == 0 || c < '0' || c > '9')) throw "a character that no metric's name has";
    }
    if (text_.ends_with("_total") != (Type == MetricType::kCounter)) {
      throw "the names of counters, and of no others, end in _total";
    }
    for (const std::string_view taken : {"_bucket", "_sum", "_count", "_created", "_info"}) {
      if (text_.ends_with(taken)) throw "an ending that has a meaning of its own";
    }
  }
  constexpr std::string_view text() const noexcept { return text_; }

 private:
  std::string_view text_;
};
using CounterName = MetricName<MetricType::kCounter>;
using GaugeName = MetricName<MetricType::kGauge>;
using HistogramName = MetricName<MetricType::kHistogram>;

// [a-zA-Z_][a-zA-Z0-9_]*, not beginning with two underscores, and none of those that the formats
// use themselves.
class LabelName {
 public:
  consteval LabelName(const char* text) : text_(text) {
    if (text_.empty() || text_.starts_with("__")) throw "a label needs a name of its own";
    for (std::size_t i = 0; i < text_.size(); ++i) {
      const char c = text_[i];
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
      if (!letter && (i == 0 || c < '0' || c > '9')) throw "a character that no label's name has";
    }
    if (text_ == "le" || text_ == "quantile") throw "a label that the formats use themselves";
  }
  constexpr std::string_view text() const noexcept { return text_; }

 private:
  std::string_view text_;
};

// A label's value may be any text in UTF-8.
struct Label {
  LabelName name;
  std::string value;
};
using Labels = std::vector<Label>;

// One line of a scrape, or the lines of one histogram.
struct Sample {
  std::vector<std::pair<std::string, std::string>> labels;  // in the order of names
  double value = 0;                                         // of a counter or a gauge
  // Of a histogram: observations in each bucket, not accumulated; the last one is that beyond the
  // last bound.
  std::vector<std::uint64_t> buckets = {};
  double sum = 0;
};

struct Family {
  std::string name;
  std::string help;
  MetricType type = MetricType::kGauge;
  std::vector<double> bounds = {};  // of a histogram
  std::vector<Sample> samples = {};
};

}  // namespace plumb::runtime
