// The registry behind mobula/metrics.h.
#include "mobula/metrics.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace mobula {
namespace {

using Tags = std::vector<std::pair<std::string, std::string>>;

struct Point {
  double value = 0;
  std::uint64_t count = 0;
  std::vector<std::uint64_t> buckets;
};

struct Metric {
  explicit Metric(const MetricOptions &wanted) : options(wanted) {
    std::sort(options.boundaries.begin(), options.boundaries.end());
  }

  MetricOptions options;
  std::mutex mutex;  // of the points
  std::map<Tags, Point> points;
};

// Never destroyed: static objects may still record.
struct Registry {
  std::mutex mutex;  // of the list; what it holds stays where it is
  std::vector<std::unique_ptr<Metric>> metrics;
  std::atomic<std::uint64_t> lost{0};
};

Registry &registry() {
  static Registry *const one = new Registry;
  return *one;
}

Tags in_order(const std::unordered_map<std::string, std::string> &tags) {
  Tags ordered(tags.begin(), tags.end());
  std::sort(ordered.begin(), ordered.end());
  return ordered;
}

// REQUIRES: the metric is locked.
void add(const MetricOptions &options, double value, Point *point) {
  ++point->count;
  point->value = options.kind == MetricKind::kGauge ? value : point->value + value;
  if (options.kind != MetricKind::kHistogram) return;
  point->buckets.resize(options.boundaries.size() + 1);
  const auto bucket = std::lower_bound(options.boundaries.begin(), options.boundaries.end(), value);
  ++point->buckets[static_cast<std::size_t>(bucket - options.boundaries.begin())];
}

}  // namespace

namespace runtime {

void *open_metric(const MetricOptions &options) {
  Registry &all = registry();
  const std::lock_guard lock(all.mutex);
  for (const std::unique_ptr<Metric> &metric : all.metrics) {
    if (metric->options.name == options.name && metric->options.kind == options.kind) return metric.get();
  }
  if (all.metrics.size() >= kMetricsMax || options.boundaries.size() > kMetricBoundariesMax) return nullptr;
  return all.metrics.emplace_back(std::make_unique<Metric>(options)).get();
}

void record_metric(void *metric, double value, const std::unordered_map<std::string, std::string> &tags) {
  auto *const to = static_cast<Metric *>(metric);
  if (to == nullptr) {
    registry().lost.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  Tags ordered = in_order(tags);
  const std::lock_guard lock(to->mutex);
  auto point = to->points.find(ordered);
  if (point == to->points.end()) {
    if (to->points.size() >= kMetricPointsMax) {
      registry().lost.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    point = to->points.emplace(std::move(ordered), Point{}).first;
  }
  add(to->options, value, &point->second);
}

std::string metric_name(const void *metric) {
  return metric == nullptr ? std::string() : static_cast<const Metric *>(metric)->options.name;
}

std::vector<MetricPoint> metric_points() {
  Registry &all = registry();
  const std::lock_guard lock(all.mutex);
  std::vector<MetricPoint> points;
  for (const std::unique_ptr<Metric> &metric : all.metrics) {
    const std::lock_guard points_lock(metric->mutex);
    for (const auto &[tags, point] : metric->points) {
      points.push_back({metric->options.kind, metric->options.name, metric->options.unit, tags, point.value,
                        point.count, point.buckets});
    }
  }
  return points;
}

std::uint64_t metric_records_lost() { return registry().lost.load(std::memory_order_relaxed); }

}  // namespace runtime
}  // namespace mobula
