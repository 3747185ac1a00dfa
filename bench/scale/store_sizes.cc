// What the store's size costs: until the session is there, until the first put, and for each put of 1 MiB into memory
// that nobody has written before, and that was written before.
#include <ray/api.h>

#include <cstddef>
#include <string>
#include <vector>

#include "scale/curves.h"

namespace bench::scale {
namespace {

// Reserving and mapping are by need, whatever the size; a store above 8 GiB opens larger chunks at a time, and the
// kernel's page tables of a large store are larger: twice.
constexpr double kFlatTimes = 2.0;
constexpr std::size_t kMib = 1u << 20;
constexpr std::size_t kSmallestMib = 64;
constexpr std::size_t kPuts = 24;  // of 1 MiB: fewer than fit the smallest store

struct Point {
  double init_ms = 0;
  double first_put_us = 0;
  double untouched_per_s = 0;
  double touched_per_s = 0;
};

using Values = std::vector<double>;

double put_rate(const Values &value) {
  std::vector<ray::ObjectRef<Values>> held;
  const double start_s = now_s();
  for (std::size_t i = 0; i < kPuts; ++i) held.push_back(ray::Put(value));
  return static_cast<double>(kPuts) / (now_s() - start_s);
}

// Writes three quarters of the store once.
void touch(const Values &value, std::size_t store_mib) {
  std::vector<ray::ObjectRef<Values>> held;
  for (std::size_t i = 0; i < store_mib * 3 / 4; ++i) held.push_back(ray::Put(value));
}

Point one_session(std::size_t store_mib, bool touched) {
  const Values value(kMib / sizeof(double), 1.0);
  ray::RayConfig config;
  config.head_args = {"--object-store-memory", std::to_string(store_mib * kMib)};
  Point point;
  const double start_s = now_s();
  ray::Init(config);
  const double ready_s = now_s();
  use(ray::Put(7));
  point.init_ms = (ready_s - start_s) * 1e3;
  point.first_put_us = (now_s() - ready_s) * 1e6;
  point.untouched_per_s = put_rate(value);
  if (touched) {
    touch(value, store_mib);
    std::vector<double> rates;
    for (int i = 0; i < 9; ++i) rates.push_back(put_rate(value));
    point.touched_per_s = quantile(rates, 0.5);
  }
  ray::Shutdown();
  return point;
}

// The median of some sessions; one of them writes the whole store.
Point measure_point(std::size_t store_mib) {
  constexpr int kSessions = 7;
  std::vector<double> init_ms;
  std::vector<double> first_put_us;
  std::vector<double> untouched;
  Point point;
  for (int i = 0; i < kSessions; ++i) {
    const Point one = one_session(store_mib, i == 0);
    init_ms.push_back(one.init_ms);
    first_put_us.push_back(one.first_put_us);
    untouched.push_back(one.untouched_per_s);
    if (i == 0) point.touched_per_s = one.touched_per_s;
  }
  point.init_ms = quantile(init_ms, 0.5);
  point.first_put_us = quantile(first_put_us, 0.5);
  point.untouched_per_s = quantile(untouched, 0.5);
  return point;
}

}  // namespace

void measure_store_sizes(Curves &curves, const Settings &settings) {
  const std::vector<double> sizes =
      steps(static_cast<double>(kSmallestMib), static_cast<double>(settings.largest_gib * 1024), 4);
  std::vector<Point> points;
  for (const double mib : sizes) {
    std::printf("  store of %.0f MiB\n", mib);
    std::fflush(stdout);
    points.push_back(measure_point(static_cast<std::size_t>(mib)));
  }
  const auto draw = [&](const char *name, const char *unit, double Point::*value) {
    curves.begin(std::string(name) + ", MiB of the store", unit);
    for (std::size_t i = 0; i < sizes.size(); ++i) curves.add(sizes[i], points[i].*value);
  };
  draw("init", "ms", &Point::init_ms);
  curves.promise_cost(kFlatTimes);
  draw("first put", "us", &Point::first_put_us);
  curves.promise_cost(kFlatTimes);
  draw("put 1 MiB, untouched", "/s", &Point::untouched_per_s);
  curves.promise_rate(kFlatTimes);
  draw("put 1 MiB, touched", "/s", &Point::touched_per_s);
  curves.promise_rate(kFlatTimes);
}

}  // namespace bench::scale
