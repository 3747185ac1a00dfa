// Curves of a cost or of a rate against a size, and the promise that they are flat.
//   Threads   one at a time
//   Errors    a broken promise is printed at once, and told by all_kept()
#pragma once

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "rows.h"

namespace bench::scale {

struct Settings {
  bool quick = false;
  double seconds = 0.5;          // of one point
  std::string only{};            // the one part that is to run, "" = all
  double largest_count = 1e6;    // of objects and of queued tasks
  int largest_clients = 64;      // processes
  std::size_t largest_gib = 16;  // of the store
};

class Curves {
 public:
  explicit Curves(Table &table) : table_(table) {}

  void begin(const std::string &name, const char *unit) {
    name_ = name;
    unit_ = unit;
    values_.clear();
  }
  void add(double x, double value) {
    values_.push_back(value);
    table_.add_point(name_, x, value, unit_);
  }
  // What the last point costs is at most `times_max` times what the first costs.
  void promise_cost(double times_max) {
    promise(values_.back() / values_.front(), *std::max_element(values_.begin(), values_.end()) / values_.front(),
            times_max);
  }
  // The last point's rate is at least the first's divided by `times_max`.
  void promise_rate(double times_max) {
    promise(values_.front() / values_.back(), values_.front() / *std::min_element(values_.begin(), values_.end()),
            times_max);
  }
  // The last point costs at most that.
  void promise_at_most(double value_max) {
    promise(values_.back() / value_max, *std::max_element(values_.begin(), values_.end()) / value_max, 1.0);
  }
  // The last point's rate is at least that.
  void promise_at_least(double rate_min) {
    promise(rate_min / values_.back(), rate_min / *std::min_element(values_.begin(), values_.end()), 1.0);
  }
  double first() const { return values_.front(); }
  double last() const { return values_.back(); }
  bool all_kept() const { return broken_.empty(); }
  const std::vector<std::string> &broken() const { return broken_; }  // what was printed about each

 private:
  // A promise is about the largest size; the worst of all is told beside it.
  void promise(double times, double times_worst, double times_max) {
    const bool kept = times <= times_max;
    char figures[100];
    std::snprintf(figures, sizeof figures, "costs %.2f times what it is compared with, promised is %.1f; at worst %.2f",
                  times, times_max, times_worst);
    const std::string told = name_ + " " + figures;
    std::printf("  %s: %s\n", kept ? "kept" : "BROKEN", told.c_str());
    if (!kept) broken_.push_back(told);
  }

  Table &table_;
  std::string name_;
  const char *unit_ = "";
  std::vector<double> values_;
  std::vector<std::string> broken_;
};

// Nanoseconds of one `operation`, the median of several spans. It is called in runs of `times` between two looks at the
// clock.
template <typename Operation>
double nanoseconds_of(int times, double seconds, Operation operation) {
  constexpr int kSpans = 7;
  std::vector<double> spans_ns;
  for (int i = 0; i < times; ++i) operation();
  for (int span = 0; span < kSpans; ++span) {
    const double start = now_s();
    double done = 0;
    double elapsed = 0;
    for (; elapsed < seconds / kSpans; elapsed = now_s() - start) {
      for (int i = 0; i < times; ++i) operation();
      done += times;
    }
    spans_ns.push_back(elapsed / done * 1e9);
  }
  return quantile(spans_ns, 0.5);
}

// Multiples of `times` from `first` to `last`.
inline std::vector<double> steps(double first, double last, double times) {
  std::vector<double> sizes;
  for (double size = first; size <= last * 1.001; size *= times) sizes.push_back(size);
  return sizes;
}

// Where each operation meets another object, caches and TLB hold nothing of a million: the machine's price is four
// lines, of which each says where the next is, the reference, the row, and two of the object's header.
constexpr int kLinesOfOne = 4;
// Nanoseconds to read one line of memory, somewhere in so many headers, when the line before told where.
double line_ns(std::size_t headers, double seconds);

void measure_live_objects(Curves &curves, const Settings &settings);
void measure_freeing(Curves &curves, const Settings &settings);
void measure_queued_tasks(Curves &curves, const Settings &settings);
void measure_clients(Curves &curves, const Settings &settings);
void measure_threads(Curves &curves, const Settings &settings);
void measure_store_sizes(Curves &curves, const Settings &settings);

}  // namespace bench::scale
