// What tasks cost beside time: CPU time and sleeps of all processes of the session; tasks without spinning; a task
// that gets what ten thousand references lead to; and a million tasks in the queue at once.
#include <ray/api.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "rows.h"
#include "session_processes.h"

namespace {

constexpr const char *kUsage =
    "usage: task_bench [--json FILE] [--tasks N] [--quick]\n"
    "  --tasks N    tasks in the queue at once, 1000000 if not given\n"
    "  --quick      a tenth of it all\n";

// How often whoever waits looks again before it sleeps.
constexpr const char *kSpinsVariable = "MOBULA_SPINS";

}  // namespace

int echo(int value) { return value; }
void nothing() {}
std::int64_t sum_of(std::vector<ray::ObjectRef<int>> refs) {
  std::int64_t sum = 0;
  for (const std::shared_ptr<int> &value : ray::Get(refs)) sum += *value;
  return sum;
}
RAY_REMOTE(echo, nothing, sum_of);

namespace {

using bench::now_s;
using bench::use;

struct Settings {
  std::string json{};
  int queued = 1'000'000;
  double seconds = 4.0;  // of each measurement
};

void start_session(const std::string &memory) {
  ray::RayConfig config;
  config.head_args = {"--object-store-memory", memory};
  ray::Init(config);
  for (int i = 0; i < 200; ++i) ray::Get(ray::Task(echo).Remote(i));  // all workers have started and run something
}

void run_sync() { use(*ray::Get(ray::Task(echo).Remote(1))); }

void run_batch(int count) {
  std::vector<ray::ObjectRef<int>> results;
  results.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) results.push_back(ray::Task(echo).Remote(i));
  use(ray::Get(results));
}

struct PerTask {
  double cpu_us = 0;
  double voluntary_switches = 0;
};

// What all processes of the session spend on each task while `operation`, which runs so many, is repeated.
template <typename Operation>
PerTask measure_cost(int tasks_each, double seconds, Operation operation) {
  operation();
  const std::vector<int> pids = bench::session_processes();
  const bench::SessionCost before = bench::cost_of(pids);
  double tasks = 0;
  for (const double start = now_s(); now_s() - start < seconds;) {
    operation();
    tasks += tasks_each;
  }
  const bench::SessionCost after = bench::cost_of(pids);
  return {(after.cpu_s - before.cpu_s) / tasks * 1e6, (after.voluntary_switches - before.voluntary_switches) / tasks};
}

void measure_costs(bench::Table &table, const Settings &settings) {
  std::printf("costs of single tasks and of batches, %.1f s each\n", settings.seconds);
  start_session("1GiB");
  const PerTask sync = measure_cost(1, settings.seconds, run_sync);
  table.add("cpu time per task sync", sync.cpu_us, "us", 2);
  table.add("voluntary context switches per task sync", sync.voluntary_switches, "", 2);
  const PerTask async = measure_cost(1000, settings.seconds, [] { run_batch(1000); });
  table.add("cpu time per task async", async.cpu_us, "us", 2);
  ray::Shutdown();
}

void measure_without_spinning(bench::Table &table, const Settings &settings) {
  std::printf("tasks without spinning, %.1f s\n", 2 * settings.seconds);
  setenv(kSpinsVariable, "0", 1);  // raylet and workers inherit it
  start_session("1GiB");
  bench::Rate(table).measure_each("task sync without spinning", run_sync, settings.seconds);
  const PerTask cost = measure_cost(1, settings.seconds, run_sync);
  table.add("cpu time per task sync without spinning", cost.cpu_us, "us", 2);
  table.add("voluntary context switches per task sync without spinning", cost.voluntary_switches, "", 2);
  ray::Shutdown();
  unsetenv(kSpinsVariable);
}

// From the first submit to the last result; every reference is kept, so that nothing is freed meanwhile. A result and
// a spec are an entry of the store each, and the spec has a block: 4 GiB hold two million.
void measure_queue(bench::Table &table, const Settings &settings) {
  const std::string name = std::to_string(settings.queued) + " queued tasks";
  std::printf("%s\n", name.c_str());
  start_session("4GiB");
  {
    std::vector<ray::ObjectRef<void>> results;
    results.reserve(static_cast<std::size_t>(settings.queued));
    const double start = now_s();
    for (int i = 0; i < settings.queued; ++i) results.push_back(ray::Task(nothing).Remote());
    const double submitted = now_s();
    for (const auto &result : results) result.Get();
    const double done = now_s();
    table.add_seconds(name, done - start);
    table.add_seconds(name + ", submitted", submitted - start);
    results.clear();
    table.add_seconds(name + ", references dropped", now_s() - done);
  }
  ray::Shutdown();
}

// Not among the portable rows: with Ray C++ such a Get does not return, so its figure is from Ray's Python API.
void measure_refs_in_an_argument(bench::Table &table, const Settings &settings) {
  constexpr int kRefs = 10'000;
  std::printf("a task getting %d refs, %.1f s\n", kRefs, settings.seconds);
  start_session("1GiB");
  {
    std::vector<ray::ObjectRef<int>> refs;
    for (int i = 0; i < kRefs; ++i) refs.push_back(ray::Put(i));
    constexpr std::int64_t kSum = std::int64_t{kRefs} * (kRefs - 1) / 2;
    const auto get_all = [&] {
      if (*ray::Get(ray::Task(sum_of).Remote(refs)) != kSum) throw std::runtime_error("a task has got something else");
    };
    bench::Rate(table).measure_each("task getting " + std::to_string(kRefs) + " refs", get_all, settings.seconds);
  }
  ray::Shutdown();
}

Settings read_settings(int argc, char **argv) {
  Settings settings;
  settings.json = bench::argument_after(argc, argv, "--json");
  settings.queued = std::atoi(bench::argument_after(argc, argv, "--tasks", "1000000").c_str());
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--quick") == 0) {
      settings.seconds /= 10;
      settings.queued /= 10;
    }
  }
  if (settings.queued < 1) throw std::invalid_argument("--tasks needs a number above 0");
  return settings;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc > 1 && std::strcmp(argv[1], "--help") == 0) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  try {
    const Settings settings = read_settings(argc, argv);
    bench::Table table;
    measure_costs(table, settings);
    measure_without_spinning(table, settings);
    measure_refs_in_an_argument(table, settings);
    measure_queue(table, settings);
    if (settings.json.empty() || table.write_json(settings.json)) return 0;
    throw std::runtime_error("cannot write " + settings.json);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "task_bench: %s\n", error.what());
    return 1;
  }
}
