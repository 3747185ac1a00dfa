// Rows of figures, as every benchmark program prints and stores them. Only C++17 and the standard library: programs
// that are also built for Ray use it.
// File: a JSON array of {"name", "value", "unit"}, with "p99_us" where single operations were timed, and with "curve"
// and "x" for the points of a curve.
// Threads: one at a time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

namespace bench {

// Of the steady clock, in seconds.
inline double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The value counts as read, and its memory with it: what nobody reads need not be copied, and compilers know that.
template <typename T>
void use(const T &value) {
  asm volatile("" : : "r"(&value) : "memory");
}

// The value at `share` (0 to 1) of the sorted samples; the middle one for 0.5. There must be a sample.
inline double quantile(std::vector<double> samples, double share) {
  const auto place = samples.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(samples.size() - 1));
  std::nth_element(samples.begin(), place, samples.end());
  return *place;
}

struct Row {
  std::string name{};
  double value = 0;
  std::string unit{};
  double p99_us = -1;   // of single operations; below 0 when they were not timed one by one
  std::string curve{};  // "" for a row that is no point of a curve
  double x = 0;
};

// Prints rows as they come and keeps them for the file.
class Table {
 public:
  void add(const Row &row, int digits) {
    rows_.push_back(row);
    std::printf("%-44s %16.*f %s", row.name.c_str(), digits, row.value, row.unit.c_str());
    if (row.p99_us >= 0) std::printf("   p99 %.1f us", row.p99_us);
    std::printf("\n");
    std::fflush(stdout);
  }
  void add(const std::string &name, double value, const char *unit, int digits) { add({name, value, unit}, digits); }
  void add_seconds(const std::string &name, double seconds) { add(name, seconds, "s", 4); }
  void add_point(const std::string &curve, double x, double value, const char *unit) {
    add({curve + ", " + std::to_string(static_cast<long long>(x)), value, unit, -1, curve, x}, 1);
  }

  // The rate of work done `times` times that takes too long for a warm-up: `operation` returns the seconds it took, and
  // runs kRunsMax times, less often when that would take longer than kRunsSeconds in all. The row has the median.
  template <typename Operation>
  void add_rate(const std::string &name, double times, Operation operation) {
    std::vector<double> rates;
    const double start = now_s();
    do {
      rates.push_back(times / operation());
    } while (rates.size() < kRunsMax && now_s() - start < kRunsSeconds);
    add(name, quantile(rates, 0.5), "/s", 1);
  }

  // False when the file cannot be written.
  bool write_json(const std::string &path) const {
    std::FILE *file = std::fopen(path.c_str(), "w");
    if (file == nullptr) return false;
    const char *separator = "[\n";
    for (const Row &row : rows_) {
      std::fprintf(file, "%s  {\"name\": \"%s\", \"value\": %.9g, \"unit\": \"%s\"", separator, row.name.c_str(),
                   row.value, row.unit.c_str());
      if (row.p99_us >= 0) std::fprintf(file, ", \"p99_us\": %.9g", row.p99_us);
      if (!row.curve.empty()) std::fprintf(file, ", \"curve\": \"%s\", \"x\": %.9g", row.curve.c_str(), row.x);
      std::fprintf(file, "}");
      separator = ",\n";
    }
    std::fprintf(file, rows_.empty() ? "[]\n" : "\n]\n");
    return std::fclose(file) == 0;
  }

 private:
  static constexpr std::size_t kRunsMax = 5;
  static constexpr double kRunsSeconds = 3;

  std::vector<Row> rows_;
};

// Repeats an operation and takes the median rate of several spans of time: one disturbed span does not move it.
class Rate {
 public:
  explicit Rate(Table &table) : table_(table) {}

  // `operation` does the work `times` times in one call. One call first, unmeasured: it warms up and finds mistakes.
  template <typename Operation>
  void measure(const std::string &name, int times, Operation operation, double seconds = 2.0) {
    operation();
    std::vector<double> rates;
    for (int span = 0; span < kSpans; ++span) rates.push_back(one_span(times, operation, seconds / kSpans));
    table_.add({name, quantile(rates, 0.5), "/s"}, 1);
  }

  // As measure, for an operation that takes microseconds at least: each is timed; the row tells the 99th percentile.
  template <typename Operation>
  void measure_each(const std::string &name, Operation operation, double seconds = 2.0) {
    std::vector<double> each_us;
    operation();
    std::vector<double> rates;
    const auto timed = [&] {
      const double start = now_s();
      operation();
      each_us.push_back((now_s() - start) * 1e6);
    };
    for (int span = 0; span < kSpans; ++span) rates.push_back(one_span(1, timed, seconds / kSpans));
    table_.add({name, quantile(rates, 0.5), "/s", quantile(each_us, 0.99)}, 1);
  }

 private:
  static constexpr int kSpans = 5;

  template <typename Operation>
  static double one_span(int times, Operation &operation, double seconds) {
    const double start = now_s();
    double elapsed = 0;
    double done = 0;
    while (elapsed < seconds) {
      operation();
      done += times;
      elapsed = now_s() - start;
    }
    return done / elapsed;
  }

  Table &table_;
};

// Calls `operation` as often as one call of Rate's operation shall do the work.
template <typename Operation>
auto repeat(int times, Operation operation) {
  return [times, operation] {
    for (int i = 0; i < times; ++i) operation();
  };
}

inline bool has_flag(int argc, char **argv, const std::string &flag) {
  return std::find(argv + 1, argv + argc, flag) != argv + argc;
}

// The word after `flag` on the command line, or `otherwise`.
inline std::string argument_after(int argc, char **argv, const std::string &flag, const std::string &otherwise = "") {
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] == flag) return argv[i + 1];
  }
  return otherwise;
}

}  // namespace bench
