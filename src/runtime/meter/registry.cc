// SPDX-License-Identifier: Apache-2.0
// Series and their cells, and how a scrape adds them up.
#include "plumb/meter/registry.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>

namespace plumb::runtime {

using LabelSet = std::vector<std::pair<std::string, std::string>>;

namespace {

LabelSet sorted(const Labels& labels) {
  LabelSet set;
  for (const auto& label : labels) set.emplace_back(label.name.text(), label.value);
  std::ranges::sort(set);
  return set;
}

[[noreturn]] void two_meanings(std::string_view name) {
  std::fprintf(stderr, "plumb: the metric %.*s is registered for two types or sets of buckets\n",
               static_cast<int>(name.size()), name.data());
  std::abort();
}

}  // namespace

struct Series {
  std::vector<std::unique_ptr<MeterCell>> cells;
  MeterCell ended;  // what the cells had counted that are no more
};

struct Registry::State {
  struct Kept {
    std::string help;
    MetricType type;
    std::vector<double> bounds;
    std::map<LabelSet, Series> series;
  };
  mutable std::mutex mutex;  // guards `families` and all that is in it but the cells' numbers
  std::map<std::string, Kept, std::less<>> families;

  mutable std::mutex collecting;  // guards `collectors`; held while they are called
  std::map<std::uint64_t, std::function<void(Scrape&)>> collectors;
  std::uint64_t last_number = 0;
};

namespace {

void make_buckets(MeterCell& cell, const std::vector<double>& bounds) {
  cell.bounds = &bounds;
  cell.in = std::make_unique<std::atomic<std::uint64_t>[]>(bounds.size() + 1);
}

void add_up(Sample& sample, const MeterCell& cell, MetricType type) {
  if (type == MetricType::kCounter) {
    sample.value += static_cast<double>(cell.count.load(std::memory_order_relaxed));
  } else if (type == MetricType::kGauge) {
    sample.value += cell.value.load(std::memory_order_relaxed);
  } else {
    sample.sum += cell.value.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < sample.buckets.size(); ++i) {
      sample.buckets[i] += cell.in[i].load(std::memory_order_relaxed);
    }
  }
}

}  // namespace

CellOwner::~CellOwner() {
  if (cell_ != nullptr) registry_.remove_cell(series_, *cell_);
}

Registry::Registry() : state_(std::make_unique<State>()) {}
Registry::~Registry() = default;

MeterCell& Registry::add_cell(std::string_view name, std::string_view help, MetricType type,
                              const std::vector<double>& bounds, const Labels& labels,
                              Series*& series) {
  const std::lock_guard lock(state_->mutex);
  auto found = state_->families.find(name);
  if (found == state_->families.end()) {
    State::Kept kept{std::string(help), type, bounds, {}};
    found = state_->families.emplace(std::string(name), std::move(kept)).first;
  }
  auto& family = found->second;
  if (family.type != type || family.bounds != bounds) two_meanings(name);
  const auto [entry, is_new] = family.series.try_emplace(sorted(labels));
  series = &entry->second;
  if (is_new && type == MetricType::kHistogram) make_buckets(series->ended, family.bounds);
  auto& cell = *series->cells.emplace_back(std::make_unique<MeterCell>());
  if (type == MetricType::kHistogram) make_buckets(cell, family.bounds);
  return cell;
}

void Registry::remove_cell(Series& series, MeterCell& cell) noexcept {
  const std::lock_guard lock(state_->mutex);
  series.ended.count += cell.count.load(std::memory_order_relaxed);
  if (cell.bounds != nullptr) {
    series.ended.value.fetch_add(cell.value.load(std::memory_order_relaxed));
    for (std::size_t i = 0; i <= cell.bounds->size(); ++i) series.ended.in[i] += cell.in[i];
  }
  std::erase_if(series.cells, [&](const auto& held) { return held.get() == &cell; });
}

Counter Registry::counter(CounterName name, std::string_view help, const Labels& labels) {
  Series* series = nullptr;
  auto& cell = add_cell(name.text(), help, MetricType::kCounter, {}, labels, series);
  return {*this, *series, cell};
}

Gauge Registry::gauge(GaugeName name, std::string_view help, const Labels& labels) {
  Series* series = nullptr;
  auto& cell = add_cell(name.text(), help, MetricType::kGauge, {}, labels, series);
  return {*this, *series, cell};
}

Histogram Registry::histogram(HistogramName name, std::string_view help, std::vector<double> bounds,
                              const Labels& labels) {
  Series* series = nullptr;
  auto& cell = add_cell(name.text(), help, MetricType::kHistogram, bounds, labels, series);
  return {*this, *series, cell};
}

Registry::Collector Registry::collect(std::function<void(Scrape&)> collect) {
  const std::lock_guard lock(state_->collecting);
  state_->collectors.emplace(++state_->last_number, std::move(collect));
  return {*this, state_->last_number};
}

Registry::Collector::~Collector() {
  if (number_ == 0) return;
  const std::lock_guard lock(registry_.state_->collecting);
  registry_.state_->collectors.erase(number_);
}

std::vector<Family> Registry::scrape() const {
  Scrape scrape;
  {
    const std::lock_guard lock(state_->mutex);
    for (const auto& [name, kept] : state_->families) {
      auto& family = scrape.family(name, kept.help, kept.type);
      family.bounds = kept.bounds;
      for (const auto& [labels, series] : kept.series) {
        // A gauge without cells is no value, a counter without cells still is one.
        if (series.cells.empty() && kept.type == MetricType::kGauge) continue;
        Sample sample{.labels = labels};
        if (kept.type == MetricType::kHistogram) sample.buckets.resize(kept.bounds.size() + 1);
        if (kept.type != MetricType::kGauge) add_up(sample, series.ended, kept.type);
        for (const auto& cell : series.cells) add_up(sample, *cell, kept.type);
        family.samples.push_back(std::move(sample));
      }
    }
  }
  {
    const std::lock_guard lock(state_->collecting);
    for (const auto& [number, collect] : state_->collectors) collect(scrape);
  }
  std::ranges::sort(scrape.families_, {}, &Family::name);
  return std::move(scrape.families_);
}

Family& Scrape::family(std::string_view name, std::string_view help, MetricType type) {
  const auto found = std::ranges::find(families_, name, &Family::name);
  if (found == families_.end()) {
    return families_.emplace_back(Family{std::string(name), std::string(help), type});
  }
  if (found->type != type) two_meanings(name);
  return *found;
}

void Scrape::counter(CounterName name, std::string_view help, const Labels& labels, double value) {
  auto& samples = family(name.text(), help, MetricType::kCounter).samples;
  samples.push_back({.labels = sorted(labels), .value = value});
}

void Scrape::gauge(GaugeName name, std::string_view help, const Labels& labels, double value) {
  auto& samples = family(name.text(), help, MetricType::kGauge).samples;
  samples.push_back({.labels = sorted(labels), .value = value});
}

std::vector<double> duration_buckets() {
  return {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10};
}

std::vector<double> exponential_buckets(double first, double factor, std::size_t count) {
  std::vector<double> bounds;
  for (double bound = first; bounds.size() < count; bound *= factor) bounds.push_back(bound);
  return bounds;
}

}  // namespace plumb::runtime
