// What each operation costs alone, in nanoseconds, and what part of it is counting. Exit status 1 when counting costs
// more than it may.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "micro/operations.h"
#include "rows.h"

namespace {

using bench::micro::kBatch;
using bench::micro::Operation;

constexpr const char *kUsage =
    "usage: micro_bench [--json FILE] [--quick] [--benchmark_...]\n"
    "  Names beginning with --benchmark_ are Google Benchmark's. Exit status 1: counting costs more than it may.\n";

constexpr double kAtomicsMax = 2.5;      // of one handle more: the two locked operations that its copy and release are
constexpr double kCountingShareMax = 5;  // percent, of a put, a task and an actor call

// Keeps the median of each operation's repetitions, in nanoseconds of one operation, and prints the rows.
class Medians : public benchmark::BenchmarkReporter {
 public:
  explicit Medians(bench::Table &table) : table_(table) {}
  bool ReportContext(const Context &) override { return true; }
  void ReportRuns(const std::vector<Run> &runs) override {
    for (const Run &run : runs) {
      if (run.error_occurred) throw std::runtime_error(run.run_name.function_name + ": " + run.error_message);
      if (run.run_type != Run::RT_Aggregate || run.aggregate_name != "median") continue;
      const double each_ns = run.GetAdjustedRealTime() / kBatch;
      nanoseconds_[run.run_name.function_name] = each_ns;
      table_.add(run.run_name.function_name, each_ns, "ns", 1);
    }
  }
  bool has(const std::string &name) const { return nanoseconds_.count(name) != 0; }
  double of(const std::string &name) const { return nanoseconds_.at(name); }

 private:
  bench::Table &table_;
  std::map<std::string, double> nanoseconds_;
};

// Only `run` is timed.
void add_operation(const Operation &operation, const std::string &name, double seconds) {
  constexpr int kRepetitions = 7;
  const auto body = [operation](benchmark::State &state) {
    for ([[maybe_unused]] auto batch : state) {
      operation.prepare();
      const double start_s = bench::now_s();
      operation.run();
      state.SetIterationTime(bench::now_s() - start_s);
    }
  };
  benchmark::RegisterBenchmark(name.c_str(), body)
      ->UseManualTime()
      ->Unit(benchmark::kNanosecond)
      ->MinTime(seconds / kRepetitions)
      ->Repetitions(kRepetitions)
      ->ReportAggregatesOnly();
}

void run_registered(Medians &medians) {
  benchmark::RunSpecifiedBenchmarks(&medians);
  benchmark::ClearRegisteredBenchmarks();
}

// What a promise is about, and whether it is kept.
bool promise(bench::Table &table, const std::string &name, double value, double value_max, const char *unit) {
  table.add(name, value, unit, 2);
  if (value <= value_max) return true;
  std::printf("BROKEN: %s is %.2f %s, promised is at most %.2f\n", name.c_str(), value, unit, value_max);
  return false;
}

// Counting is what keeps book of who refers to an object: it would fall away if whoever makes an object were the only
// one ever to use it.
//   put, dropped at once     the release that takes the entry back (PRIVATE), less the store that frees it without
//   task, actor call         the submitter opens and releases two entries, the task's spec and its result. Messages,
//                            state words and freeing are there without counting, too
// Each is timed alone in this run, and so is the whole that it is compared with: of many tasks at once, where the whole
// is shortest.
bool report_counting(bench::Table &table, const Medians &medians) {
  const double atomic_ns = medians.of("lock or");
  const double put_ns = medians.of("steps of a private put") - medians.of("steps of a private put, uncounted");
  const double task_ns = 2 * medians.of("open and release");
  bool kept = promise(table, "copy and release of a further handle, in uncontended lock or",
                      medians.of("copy and release of a further handle") / atomic_ns, kAtomicsMax, "x");
  // The first handle of a process has a row to find and a name to check: told, not promised.
  table.add("take and release, in uncontended lock or", medians.of("take and release") / atomic_ns, "x", 2);
  const auto share = [&](const char *of, double counting_ns, const char *whole) {
    kept &= promise(table, std::string("counting share of ") + of, counting_ns / medians.of(whole) * 100,
                    kCountingShareMax, "%");
  };
  share("put", put_ns, "put");
  share("task", task_ns, "task, 1000 at once");
  share("actor call", task_ns, "actor call, 1000 at once");
  return kept;
}

// Last, for these need threads: locks of a process that has had a second one are atomic operations.
void measure_with_threads(bench::Table &table, Medians &medians, double seconds) {
  bench::micro::start_idle_thread();
  for (const Operation &operation : bench::micro::reference_operations()) {
    if (operation.name == "take and release" || operation.name == "open and release") {
      add_operation(operation, operation.name + ", process with threads", seconds);
    }
  }
  run_registered(medians);
  std::vector<double> wake_ns;
  for (int i = 0; i < 300; ++i) wake_ns.push_back(bench::micro::seal_to_wake_ns());
  table.add("seal to wake", bench::quantile(wake_ns, 0.5), "ns", 0);
}

bool run(int argc, char **argv) {
  const std::string json = bench::argument_after(argc, argv, "--json");
  const double seconds = bench::has_flag(argc, argv, "--quick") ? 0.1 : 1.0;
  benchmark::Initialize(&argc, argv);
  bench::Table table;
  Medians medians(table);
  bench::micro::start_session("");
  for (const Operation &operation : bench::micro::all_operations()) add_operation(operation, operation.name, seconds);
  run_registered(medians);
  const bool whole = medians.has("lock or") && medians.has("evict, whole");  // no filter was given
  const bool kept = !whole || report_counting(table, medians);
  bench::micro::end_session();
  measure_with_threads(table, medians, seconds);
  if (!json.empty() && !table.write_json(json)) throw std::runtime_error("cannot write " + json);
  return kept;
}

}  // namespace

int main(int argc, char **argv) {
  if (bench::has_flag(argc, argv, "--help")) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  try {
    return run(argc, argv) ? 0 : 1;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "micro_bench: %s\n", error.what());
    return 2;
  }
}
