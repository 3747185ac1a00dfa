// ray/api/metric.h: gauges, counters, sums and histograms. Not part of ray/api.h, as in Ray.
//   Threads    a metric may be used by any thread
//   Process    figures stay in the process that recorded them; mobula/metrics.h reads them
//   Cost       about a microsecond for each record
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#pragma push_macro("mobula")
#undef mobula  // MOBULA_PORTABLE (ray/api.h)
#include "mobula/metrics.h"

namespace ray {

// Two metrics of one name and kind are one.
class Metric {
 public:
  virtual ~Metric() = 0;

  std::string GetName() const { return mobula::runtime::metric_name(metric_); }
  // What a value means is up to the kind of the metric.
  void Record(double value, const std::unordered_map<std::string, std::string> &tags) {
    mobula::runtime::record_metric(metric_, value, tags);
  }

 protected:
  explicit Metric(const mobula::MetricOptions &options) : metric_(mobula::runtime::open_metric(options)) {}

  void *metric_;
};
inline Metric::~Metric() = default;

// The last value.
class Gauge : public Metric {
 public:
  Gauge(const std::string &name, const std::string &description, const std::string &unit,
        const std::vector<std::string> &tag_keys = {})
      : Metric({mobula::MetricKind::kGauge, name, description, unit, {}, tag_keys}) {}
  void Set(double value, const std::unordered_map<std::string, std::string> &tags) { Record(value, tags); }
};

// How many values lie between the boundaries.
class Histogram : public Metric {
 public:
  Histogram(const std::string &name, const std::string &description, const std::string &unit,
            const std::vector<double> boundaries, const std::vector<std::string> &tag_keys = {})
      : Metric({mobula::MetricKind::kHistogram, name, description, unit, boundaries, tag_keys}) {}
  void Observe(double value, const std::unordered_map<std::string, std::string> &tags) { Record(value, tags); }
};

// A sum that only grows.
class Counter : public Metric {
 public:
  Counter(const std::string &name, const std::string &description, const std::string &unit,
          const std::vector<std::string> &tag_keys = {})
      : Metric({mobula::MetricKind::kCounter, name, description, unit, {}, tag_keys}) {}
  void Inc(double value, const std::unordered_map<std::string, std::string> &tags) { Record(value, tags); }
};

// A sum.
class Sum : public Metric {
 public:
  Sum(const std::string &name, const std::string &description, const std::string &unit,
      const std::vector<std::string> &tag_keys = {})
      : Metric({mobula::MetricKind::kSum, name, description, unit, {}, tag_keys}) {}
};

}  // namespace ray

#pragma pop_macro("mobula")
