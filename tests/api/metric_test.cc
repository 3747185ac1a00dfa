#include "ray/api/metric.h"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

namespace {

using Tags = std::unordered_map<std::string, std::string>;

std::vector<mobula::MetricPoint> points_of(const std::string &name) {
  std::vector<mobula::MetricPoint> points;
  for (const mobula::MetricPoint &point : mobula::runtime::metric_points()) {
    if (point.name == name) points.push_back(point);
  }
  return points;
}

}  // namespace

TEST_CASE("a gauge keeps the last value, of each set of tags by itself") {
  ray::Gauge gauge("gauge", "a gauge", "°C", {"room"});
  CHECK(gauge.GetName() == "gauge");
  gauge.Set(20, {{"room", "attic"}});
  gauge.Set(15, {{"room", "cellar"}});
  gauge.Set(21, {{"room", "attic"}});
  const auto points = points_of("gauge");
  REQUIRE(points.size() == 2);
  CHECK(points[0].tags[0].second == "attic");
  CHECK(points[0].value == 21);
  CHECK(points[0].count == 2);
  CHECK(points[1].value == 15);
  CHECK(points[1].unit == "°C");
}

TEST_CASE("counters and sums add up, also from several threads") {
  ray::Counter counter("counter", "a counter", "1");
  ray::Sum sum("sum", "a sum", "1");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 1'000; ++k) counter.Inc(2, {{"a", "1"}, {"b", "2"}});
    });
  }
  for (std::thread &thread : threads) thread.join();
  sum.Record(1.5, {});
  sum.Record(-0.5, {});
  REQUIRE(points_of("counter").size() == 1);
  CHECK(points_of("counter")[0].value == 8'000);
  CHECK(points_of("counter")[0].count == 4'000);
  CHECK(points_of("sum")[0].value == 1.0);
}

TEST_CASE("a histogram counts between its boundaries, the boundary belongs to the bucket below it") {
  ray::Histogram histogram("histogram", "a histogram", "ms", {10, 1, 100});
  for (const double value : {0.5, 1.0, 1.5, 10.0, 99.0, 1000.0}) histogram.Observe(value, {});
  const auto points = points_of("histogram");
  REQUIRE(points.size() == 1);
  CHECK(points[0].buckets == std::vector<std::uint64_t>{2, 2, 1, 1});
  CHECK(points[0].count == 6);
}

TEST_CASE("metrics of one name and kind are one, of another kind they are not") {
  ray::Counter first("twice", "", "1");
  ray::Counter second("twice", "", "1");
  ray::Gauge third("twice", "", "1");
  first.Inc(1, {});
  second.Inc(1, {});
  third.Set(7, {});
  const auto points = points_of("twice");
  REQUIRE(points.size() == 2);
  CHECK(points[0].value == 2);
  CHECK(points[1].value == 7);
}

TEST_CASE("tags beyond the limit are lost and counted") {
  ray::Counter counter("wide", "", "1");
  const std::uint64_t lost = mobula::runtime::metric_records_lost();
  for (std::size_t i = 0; i < mobula::kMetricPointsMax + 3; ++i) counter.Inc(1, {{"i", std::to_string(i)}});
  CHECK(points_of("wide").size() == mobula::kMetricPointsMax);
  CHECK(mobula::runtime::metric_records_lost() == lost + 3);
  ray::Histogram huge("huge", "", "1", std::vector<double>(mobula::kMetricBoundariesMax + 1, 1.0));
  huge.Observe(1, {});
  CHECK(huge.GetName().empty());
  CHECK(mobula::runtime::metric_records_lost() == lost + 4);
}
