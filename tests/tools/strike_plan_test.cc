#include "tools/strike_plan.h"

#include <doctest/doctest.h>

#include <vector>

#include "base/clock.h"

using namespace mobula;
using namespace mobula::tools;

namespace {

std::vector<Strike> first(const StrikeRates &rates, std::uint64_t seed, std::size_t count) {
  StrikePlan plan(rates, seed);
  std::vector<Strike> strikes;
  while (strikes.size() < count) strikes.push_back(*plan.take());
  return strikes;
}

std::vector<Strike> of_kind(const std::vector<Strike> &all, StrikeKind kind, std::size_t count) {
  std::vector<Strike> strikes;
  for (const Strike &strike : all) {
    if (strike.kind == kind && strikes.size() < count) strikes.push_back(strike);
  }
  return strikes;
}

bool are_same(const std::vector<Strike> &a, const std::vector<Strike> &b) {
  bool same = a.size() == b.size();
  for (std::size_t i = 0; same && i < a.size(); ++i) {
    same = a[i].kind == b[i].kind && a[i].at_ns == b[i].at_ns && a[i].choice == b[i].choice &&
           a[i].pause_ms == b[i].pause_ms;
  }
  return same;
}

}  // namespace

TEST_SUITE("tools/strike_plan") {
  TEST_CASE("a seed gives the same strikes each time, another one others") {
    const StrikeRates rates{{5, 1, 0.5}};
    CHECK(are_same(first(rates, 7, 100), first(rates, 7, 100)));
    CHECK_FALSE(are_same(first(rates, 7, 100), first(rates, 8, 100)));
  }
  TEST_CASE("strikes come in the order of time, about as often as was asked for") {
    const std::vector<Strike> strikes = first({{5, 1, 0}}, 1, 6000);
    for (std::size_t i = 1; i < strikes.size(); ++i) CHECK(strikes[i].at_ns >= strikes[i - 1].at_ns);
    const double seconds = static_cast<double>(strikes.back().at_ns) / base::kNanosecondsPerSecond;
    CHECK(6000 / seconds == doctest::Approx(6).epsilon(0.05));
    CHECK(of_kind(strikes, StrikeKind::kKillWorker, 6000).size() == doctest::Approx(5000).epsilon(0.05));
  }
  TEST_CASE("the rate of one kind does not move the strikes of another") {
    const auto workers = of_kind(first({{5, 0, 0}}, 3, 50), StrikeKind::kKillWorker, 50);
    CHECK(are_same(workers, of_kind(first({{5, 7, 2}}, 3, 1000), StrikeKind::kKillWorker, 50)));
  }
  TEST_CASE("without a rate there is no strike") {
    StrikePlan plan({{0, 0, 0}}, 1);
    CHECK_FALSE(plan.next_at_ns().has_value());
    CHECK_FALSE(plan.take().has_value());
    for (const Strike &strike : first({{0, 0, 3}}, 1, 100)) {
      CHECK(strike.kind == StrikeKind::kStopWorker);
      CHECK(strike.pause_ms >= 1);
      CHECK(strike.pause_ms <= kPauseMsMax);
    }
  }
}
