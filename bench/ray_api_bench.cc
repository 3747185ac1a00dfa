// What the Ray C++ API costs, one figure for each line. Only the portable part of the API (and C++17), so that this one
// file builds against Mobula and against Ray: bench/peers/run_on_ray, scripts/bench.
//   ray_api_bench [--json FILE] [--ray_NAME=VALUE]...
#include <ray/api.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "rows.h"

int echo(int value) { return value; }
double ends_of(std::vector<double> values) { return values.front() + values.back(); }
std::vector<double> ones(int count) { return std::vector<double>(static_cast<std::size_t>(count), 1.0); }
class Counter {
 public:
  static Counter *Make() { return new Counter; }
  int Add(int amount) { return count_ += amount; }

 private:
  int count_ = 0;
};
RAY_REMOTE(echo, ends_of, ones, Counter::Make, &Counter::Add);

namespace {

using bench::Rate;
using bench::repeat;
using bench::Table;
using bench::use;

constexpr int kDoublesPerMib = 131072;
constexpr int kWaitTimeoutMs = 60'000;
constexpr int kHeldObjects = 100'000;
constexpr int kObjectsOfOneGet = 10'000;

struct Samples {
  std::string channel;
  std::vector<double> values;
  MSGPACK_DEFINE(channel, values)
};

std::vector<ray::ObjectRef<int>> submit_echoes(int count) {
  std::vector<ray::ObjectRef<int>> results;
  for (int i = 0; i < count; ++i) results.push_back(ray::Task(echo).Remote(i));
  return results;
}

void run_chain(int length) {
  ray::ObjectRef<int> last = ray::Task(echo).Remote(1);
  for (int i = 1; i < length; ++i) last = ray::Task(echo).Remote(last);
  ray::Get(last);
}

void wait_for_first(int count) {
  const std::vector<ray::ObjectRef<int>> results = submit_echoes(count);
  ray::Wait(results, 1, kWaitTimeoutMs);
  ray::Get(results);  // the next round starts with nothing under way
}

// As the benchmark of this name in Ray's own microbenchmarks: waits for one, then for one of the others, until none is
// left.
void wait_one_by_one(int count) {
  std::vector<ray::ObjectRef<int>> left = submit_echoes(count);
  while (!left.empty()) {
    ray::WaitResult<int> waited = ray::Wait(left, 1, kWaitTimeoutMs);
    left.assign(std::make_move_iterator(waited.unready.begin()), std::make_move_iterator(waited.unready.end()));
  }
}

// Puts that many and lets go of them all afterwards; only the puts are timed.
double hold_objects(int count) {
  std::vector<ray::ObjectRef<int>> held;
  held.reserve(static_cast<std::size_t>(count));
  const double start = bench::now_s();
  for (int i = 0; i < count; ++i) held.push_back(ray::Put(i));
  return bench::now_s() - start;
}

// Lets workers make that many and gets one after the other; only the gets are timed.
double get_results(int count) {
  const std::vector<ray::ObjectRef<int>> results = submit_echoes(count);
  ray::Wait(results, count, kWaitTimeoutMs);
  const double start = bench::now_s();
  for (const ray::ObjectRef<int> &result : results) use(*ray::Get(result));
  return bench::now_s() - start;
}

void measure_many(Table &table) {
  table.add_rate("put of 100000 held", kHeldObjects, [] { return hold_objects(kHeldObjects); });
  table.add_rate("get of 100000 results", kHeldObjects, [] { return get_results(kHeldObjects); });
}

void measure_small(Rate &rate) {
  rate.measure("put small", 100, repeat(100, [] { use(ray::Put(7)); }));
  const ray::ObjectRef<int> small = ray::Put(7);
  rate.measure("get small", 100, repeat(100, [&] { use(*ray::Get(small)); }));
  std::vector<ray::ObjectRef<int>> many;
  for (int i = 0; i < kObjectsOfOneGet; ++i) many.push_back(ray::Put(i));
  rate.measure("get of 10000 objects", 1, [&] { use(ray::Get(many)); });
}

void measure_large(Rate &rate) {
  const std::vector<double> mib = ones(kDoublesPerMib);
  rate.measure("put 1 MiB of double", 10, repeat(10, [&] { use(ray::Put(mib)); }));
  const ray::ObjectRef<std::vector<double>> mib_ref = ray::Put(mib);
  rate.measure("get 1 MiB of double", 10, repeat(10, [&] { use(*ray::Get(mib_ref)); }));

  const std::vector<double> large = ones(64 * kDoublesPerMib);
  rate.measure("put 64 MiB of double", 1, [&] { use(ray::Put(large)); });
  const ray::ObjectRef<std::vector<double>> large_ref = ray::Put(large);
  rate.measure("get 64 MiB of double", 1, [&] { use(*ray::Get(large_ref)); });

  const Samples samples{"north", mib};
  rate.measure("put and get a struct of 1 MiB", 1, [&] { use(*ray::Get(ray::Put(samples))); });
}

void measure_actors(Rate &rate) {
  ray::ActorHandle<Counter> counter = ray::Actor(Counter::Make).Remote();
  rate.measure_each("actor call sync", [&] { use(*ray::Get(counter.Task(&Counter::Add).Remote(1))); });
  rate.measure(
      "actor calls async batch of 1000", 1000,
      [&] {
        std::vector<ray::ObjectRef<int>> results;
        for (int i = 0; i < 1000; ++i) results.push_back(counter.Task(&Counter::Add).Remote(1));
        use(ray::Get(results));
      },
      4.0);
  counter.Kill();
}

void measure_tasks(Rate &rate) {
  rate.measure_each("task sync", [] { use(*ray::Get(ray::Task(echo).Remote(1))); });
  rate.measure(
      "task async batch of 1000", 1000, [] { use(ray::Get(submit_echoes(1000))); }, 4.0);
  rate.measure(
      "task chain of 100", 100, [] { run_chain(100); }, 4.0);

  const ray::ObjectRef<std::vector<double>> mib_ref = ray::Put(ones(kDoublesPerMib));
  rate.measure("task with 1 MiB ref argument", 1, [&] { use(*ray::Get(ray::Task(ends_of).Remote(mib_ref))); });
  rate.measure("task returning 1 MiB", 1, [] { use(*ray::Get(ray::Task(ones).Remote(kDoublesPerMib))); });
  rate.measure("wait for 1 of 100", 1, [] { wait_for_first(100); });
  rate.measure("wait_1k", 1, [] { wait_one_by_one(1000); });
}

// The program's name and the flags of the engine (--ray_NAME=VALUE): Ray's Init ends the program at any other flag.
std::vector<char *> engine_arguments(int argc, char **argv) {
  std::vector<char *> arguments{argv[0]};
  std::copy_if(argv + 1, argv + argc, std::back_inserter(arguments),
               [](const char *argument) { return std::string(argument).rfind("--ray_", 0) == 0; });
  return arguments;
}

void run(Table &table, int argc, char **argv) {
  std::vector<char *> arguments = engine_arguments(argc, argv);
  const double start = bench::now_s();
  ray::RayConfig config;
  ray::Init(config, static_cast<int>(arguments.size()), arguments.data());
  const double ready = bench::now_s();
  ray::Get(ray::Task(echo).Remote(1));
  const double first_result = bench::now_s();
  table.add_seconds("init", ready - start);
  table.add_seconds("first task", first_result - ready);

  for (int i = 0; i < 200; ++i) ray::Get(ray::Task(echo).Remote(i));  // all workers have started and run something
  Rate rate(table);
  measure_small(rate);
  measure_many(table);
  measure_large(rate);
  measure_actors(rate);
  measure_tasks(rate);
  ray::Shutdown();
}

}  // namespace

int main(int argc, char **argv) {
  const std::string path = bench::argument_after(argc, argv, "--json");
  Table table;
  try {
    run(table, argc, argv);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "ray_api_bench: %s\n", error.what());
    return 1;
  }
  if (!path.empty() && !table.write_json(path)) {
    std::fprintf(stderr, "ray_api_bench: cannot write %s\n", path.c_str());
    return 1;
  }
  return 0;
}
