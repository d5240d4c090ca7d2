// SPDX-License-Identifier: Apache-2.0
// Writing the two text formats. They differ in the name of a counter's family, in what is escaped
// in help, in canonical numbers of bucket bounds, and in the end.
#include "plumb/meter/exposition.h"

#include <fmt/format.h>

#include <cmath>

#include "plumb/base/text.h"

namespace plumb::runtime {
namespace {

constexpr std::string_view kOpenMetricsType = "application/openmetrics-text";

std::string escaped(std::string_view text, bool quotes) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\\\";
    } else if (c == '\n') {
      result += "\\n";
    } else if (c == '"' && quotes) {
      result += "\\\"";
    } else {
      result += c;
    }
  }
  return result;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (value == std::trunc(value) && std::abs(value) < kExact) {
    return fmt::format("{}", static_cast<std::int64_t>(value));
  }
  return fmt::format("{}", value);
}

// OpenMetrics wants bounds as floating point numbers ("1.0"), so that equal ones are equal text.
std::string bound_text(double bound) {
  std::string text = number(bound);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

class Writer {
 public:
  explicit Writer(Exposition format) : open_metrics_(format == Exposition::kOpenMetrics) {}

  void family(const Family& family) {
    std::string_view name = family.name;
    if (open_metrics_ && family.type == MetricType::kCounter) name.remove_suffix(6);  // _total
    constexpr const char* kTypes[] = {"counter", "gauge", "histogram"};
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, escaped(family.help, open_metrics_),
                         name, kTypes[static_cast<std::size_t>(family.type)]);
    for (const auto& sample : family.samples) {
      if (family.type == MetricType::kHistogram) {
        histogram(family, sample);
      } else {
        line(family.name, sample, {}, number(sample.value));
      }
    }
  }

  std::string finish() {
    if (open_metrics_) text_ += "# EOF\n";
    return std::move(text_);
  }

 private:
  void histogram(const Family& family, const Sample& sample) {
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < sample.buckets.size(); ++i) {
      below += sample.buckets[i];
      const bool last = i == family.bounds.size();
      line(family.name + "_bucket", sample, last ? "+Inf" : bound_text(family.bounds[i]),
           std::to_string(below));
    }
    line(family.name + "_sum", sample, {}, number(sample.sum));
    line(family.name + "_count", sample, {}, std::to_string(below));
  }

  void line(std::string_view name, const Sample& sample, std::string_view bound,
            std::string_view value) {
    text_ += name;
    char before = '{';
    const auto label = [&](std::string_view key, std::string_view content) {
      text_ += fmt::format("{}{}=\"{}\"", before, key, escaped(content, true));
      before = ',';
    };
    for (const auto& [key, content] : sample.labels) label(key, content);
    if (!bound.empty()) label("le", bound);
    if (before == ',') text_ += '}';
    text_ += fmt::format(" {}\n", value);
  }

  const bool open_metrics_;
  std::string text_;
};

// Whether a media range's parameters give it a weight of 0 (RFC 9110, 12.4.2).
bool refused(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    const auto parameter = trim(take_until(parameters, ';'));
    if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) continue;
    return parameter.find_first_not_of("0.", 2) == std::string_view::npos;
  }
  return false;
}

}  // namespace

std::string_view content_type(Exposition format) noexcept {
  return format == Exposition::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

Exposition exposition_for(std::string_view accept) noexcept {
  while (!accept.empty()) {
    auto range = take_until(accept, ',');
    const auto type = trim(take_until(range, ';'));
    if (type == kOpenMetricsType && !refused(range)) return Exposition::kOpenMetrics;
  }
  return Exposition::kPrometheus;
}

std::string expose(std::span<const Family> families, Exposition format) {
  Writer writer(format);
  for (const auto& family : families) writer.family(family);
  return writer.finish();
}

}  // namespace plumb::runtime
