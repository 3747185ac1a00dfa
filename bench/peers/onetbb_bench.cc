// What a task costs where there are no processes: oneTBB in one process, two threads. Rows as in ray_api_bench.
// A task that crashes here takes the program with it; that is the difference which the other figures pay for.
//   onetbb_bench [--json FILE] [--quick]
#include <tbb/global_control.h>
#include <tbb/task_group.h>

#include <cstdio>
#include <vector>

#include "../rows.h"

namespace {

constexpr std::size_t kThreads = 2;
constexpr int kBatch = 1000;
constexpr int kChain = 100;

int echo(int value) { return value; }

void run_one(tbb::task_group &group) {
  int result = 0;
  group.run([&result] { result = echo(1); });
  group.wait();
  bench::use(result);
}

void run_batch(tbb::task_group &group, std::vector<int> &results) {
  for (int i = 0; i < kBatch; ++i) group.run([&results, i] { results[static_cast<std::size_t>(i)] = echo(i); });
  group.wait();
  bench::use(results);
}

// Each task starts the next one with its result.
void run_link(tbb::task_group &group, int left, int value) {
  bench::use(value);
  if (left > 0) group.run([&group, left, value] { run_link(group, left - 1, echo(value)); });
}

}  // namespace

int main(int argc, char **argv) {
  const std::string path = bench::argument_after(argc, argv, "--json");
  double row_s = 2.0;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--quick") row_s = 0.5;
  }
  const tbb::global_control threads(tbb::global_control::max_allowed_parallelism, kThreads);
  tbb::task_group group;
  std::vector<int> results(kBatch);
  bench::Table table;
  bench::Rate rate(table);
  rate.measure_each(
      "task sync", [&] { run_one(group); }, row_s);
  rate.measure(
      "task async batch of 1000", kBatch, [&] { run_batch(group, results); }, row_s);
  rate.measure(
      "task chain of 100", kChain,
      [&] {
        run_link(group, kChain, 1);
        group.wait();
      },
      row_s);
  if (!path.empty() && !table.write_json(path)) {
    std::fprintf(stderr, "onetbb_bench: cannot write %s\n", path.c_str());
    return 1;
  }
  return 0;
}
