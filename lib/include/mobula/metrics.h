// mobula/metrics.h: what this process has measured through ray/api/metric.h.
//   Threads    every function may be called by any thread
//   Process    each process has its own; nothing is sent anywhere. A worker's ends with it
//   Ownership  metrics live as long as the process; one name of one kind is one metric
//   Cost       record_metric: one lock of the metric, and a look-up of the tags. No system call
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mobula/runtime.h"

namespace mobula {

enum class MetricKind : std::uint32_t { kGauge, kCounter, kSum, kHistogram };

struct MetricOptions {
  MetricKind kind = MetricKind::kGauge;
  std::string name;
  std::string description;
  std::string unit;
  std::vector<double> boundaries;  // of a histogram, in order: bucket i ends at boundary i, the last one is open
  std::vector<std::string> tag_keys;
};

// One metric under one set of tags.
struct MetricPoint {
  MetricKind kind = MetricKind::kGauge;
  std::string name;
  std::string unit;
  std::vector<std::pair<std::string, std::string>> tags;  // in order of their keys
  double value = 0;                                       // gauge: the last one; all others: the sum
  std::uint64_t count = 0;                                // how many were recorded
  std::vector<std::uint64_t> buckets;                     // of a histogram: one more than it has boundaries
};

constexpr std::size_t kMetricsMax = 4096;           // of a process
constexpr std::size_t kMetricPointsMax = 1024;      // of a metric: sets of tags
constexpr std::size_t kMetricBoundariesMax = 1024;  // of a histogram

namespace runtime {

// The metric of that name and kind; made when there is none. Null beyond kMetricsMax or kMetricBoundariesMax.
MOBULA_EXPORT void *open_metric(const MetricOptions &options);
// REQUIRES: `metric` came from open_metric, or is null (nothing is recorded).
MOBULA_EXPORT void record_metric(void *metric, double value, const std::unordered_map<std::string, std::string> &tags);
MOBULA_EXPORT std::string metric_name(const void *metric);
// All points, metrics in the order in which they were made.
MOBULA_EXPORT std::vector<MetricPoint> metric_points();
// Records that no point was left for.
MOBULA_EXPORT std::uint64_t metric_records_lost();

}  // namespace runtime
}  // namespace mobula
