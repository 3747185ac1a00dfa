// What a build costs that writes down who makes, takes and runs what: bench/tracking runs this of two builds in turns.
//   tracking_bench [--json FILE] [--quick]
#include <mobula/runtime.h>
#include <ray/api.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "rows.h"

int echo(int value) { return value; }
RAY_REMOTE(echo);

namespace {

constexpr int kTasksPerBatch = 1000;

void run_tasks(int count) {
  std::vector<ray::ObjectRef<int>> results;
  results.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) results.push_back(ray::Task(echo).Remote(i));
  bench::use(ray::Get(results));
}

void run(double seconds, bench::Table &table) {
  const ray::ObjectRef<int> object = ray::Put(7);
  const auto clone_and_drop = [&] {
    const mobula::Reference clone = object.reference();
    bench::use(clone);
  };
  bench::Rate rate(table);
  rate.measure("put", 1000, bench::repeat(1000, [] { bench::use(ray::Put(7)); }), seconds);
  rate.measure("get", 1000, bench::repeat(1000, [&] { bench::use(ray::Get(object)); }), seconds);
  rate.measure("clone and drop", 10'000, bench::repeat(10'000, clone_and_drop), seconds);
  rate.measure(
      "task", kTasksPerBatch, [] { run_tasks(kTasksPerBatch); }, seconds);
  rate.measure(
      "task and get", 1, [] { bench::use(ray::Task(echo).Remote(1).Get()); }, seconds);
}

}  // namespace

int main(int argc, char **argv) {
  try {
    bench::Table table;
    const std::string path = bench::argument_after(argc, argv, "--json");
    ray::Init();
    run(bench::has_flag(argc, argv, "--quick") ? 0.02 : 0.2, table);
    ray::Shutdown();
    return path.empty() || table.write_json(path) ? 0 : 1;
  } catch (const std::exception &problem) {
    std::fprintf(stderr, "tracking_bench: %s\n", problem.what());
    return 1;
  }
}
