// The order in which the dead are cleared away, whoever dies while it happens.
#include "objects/reaper.h"

#include <doctest/doctest.h>

#include <map>
#include <random>

namespace mobula::objects {
namespace {

constexpr ReapStep kAll[] = {ReapStep::kDrain,  ReapStep::kJudge,     ReapStep::kSettle,
                             ReapStep::kRing,   ReapStep::kClearRows, ReapStep::kFree,
                             ReapStep::kDetach, ReapStep::kSweep,     ReapStep::kReuse};
constexpr std::int64_t kMillisecond = 1'000'000;

// Carries out everything, each step in one part. The steps in order, per client.
std::map<std::uint32_t, std::vector<ReapStep>> run(Reaper &reaper) {
  std::map<std::uint32_t, std::vector<ReapStep>> steps;
  while (const auto action = reaper.next()) {
    steps[action->client].push_back(action->step);
    reaper.finished(0);
  }
  return steps;
}

}  // namespace

TEST_SUITE("objects/reaper") {
  TEST_CASE("one death goes through every step in order, and is then forgotten") {
    Reaper reaper;
    CHECK_FALSE(reaper.next());
    CHECK(reaper.died(7, 9, 0));
    CHECK(reaper.next()->process_end == 9);
    CHECK(run(reaper)[7] == std::vector<ReapStep>(std::begin(kAll), std::end(kAll)));
    CHECK_FALSE(reaper.is_reaping(7));
    CHECK(reaper.died(7, 0, 0));
  }

  TEST_CASE("a death that is reported twice is one death, until its id may be used again") {
    Reaper reaper;
    CHECK(reaper.died(7, 0, 0));
    while (reaper.next()) {
      CHECK_FALSE(reaper.died(7, 0, 0));
      reaper.finished(0);
    }
    CHECK(reaper.died(7, 0, 0));
  }

  TEST_CASE("a step in parts comes again from where it ended, and the next one begins at nothing") {
    Reaper reaper;
    reaper.died(3, 0, 0);
    while (reaper.next()->step != ReapStep::kClearRows) reaper.finished(0);
    for (const std::uint64_t position : {100u, 200u}) {
      reaper.go_on_from(position);
      CHECK(reaper.next()->step == ReapStep::kClearRows);
      CHECK(reaper.next()->position == position);
    }
    reaper.finished(0);
    CHECK(reaper.next()->step == ReapStep::kFree);
    CHECK(reaper.next()->position == 0);
  }

  TEST_CASE("sweeps wait until every death known has given its references back") {
    Reaper reaper;
    reaper.died(1, 0, 0);
    reaper.died(2, 0, 0);
    std::vector<std::uint32_t> clients;
    while (reaper.next()->step != ReapStep::kSweep) {
      clients.push_back(reaper.next()->client);
      reaper.finished(0);
    }
    CHECK(clients.size() == 14);
    CHECK(clients.back() == 2);
    reaper.died(3, 0, 0);  // comes before the sweep of 1 goes on
    CHECK(reaper.next()->client == 3);
    CHECK(reaper.next()->step == ReapStep::kDrain);
  }

  TEST_CASE("a sweep that another death interrupts goes on where it was") {
    Reaper reaper;
    reaper.died(1, 0, 0);
    while (reaper.next()->step != ReapStep::kSweep) reaper.finished(0);
    reaper.go_on_from(500);
    reaper.died(2, 0, 0);
    while (reaper.next()->client == 2) reaper.finished(0);
    CHECK(reaper.next()->client == 1);
    CHECK(reaper.next()->step == ReapStep::kSweep);
    CHECK(reaper.next()->position == 500);
  }

  TEST_CASE("whatever dies and whenever, every death goes through every step in order") {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      std::mt19937_64 random(seed);
      Reaper reaper;
      std::map<std::uint32_t, std::vector<ReapStep>> steps;
      std::uint32_t next_client = 1;
      while (next_client <= 20 || reaper.next()) {
        if (next_client <= 20 && random() % 8 == 0) CHECK(reaper.died(next_client++, 0, 0));
        const auto action = reaper.next();
        if (!action) continue;
        if (random() % 4 == 0) {
          reaper.go_on_from(action->position + 1);
          continue;
        }
        steps[action->client].push_back(action->step);
        reaper.finished(0);
      }
      CHECK(steps.size() == 20);
      for (const auto &[client, done] : steps) CHECK(done == std::vector<ReapStep>(std::begin(kAll), std::end(kAll)));
    }
  }

  TEST_CASE("the time of a death runs from its being seen to the freeing of what it held") {
    Reaper reaper;
    CHECK(reaper.figures().count == 0);
    for (std::int64_t i = 1; i <= 100; ++i) {
      reaper.died(1, 0, 0);
      while (reaper.next())
        reaper.finished(reaper.next()->step == ReapStep::kFree ? i * kMillisecond : 500 * kMillisecond);
    }
    const ReapFigures figures = reaper.figures();
    CHECK(figures.count == 100);
    CHECK(figures.p50_us == 51'000);
    CHECK(figures.p99_us == 100'000);
    CHECK(figures.max_us == 100'000);
  }

  TEST_CASE("the times of the last deaths are kept, the longest of all, too") {
    Reaper reaper;
    for (std::size_t i = 0; i <= kReapTimesKept; ++i) {
      reaper.died(1, 0, 0);
      while (reaper.next()) reaper.finished(i == 0 ? 9 * kMillisecond : kMillisecond);
    }
    CHECK(reaper.figures().count == kReapTimesKept + 1);
    CHECK(reaper.figures().p99_us == 1000);
    CHECK(reaper.figures().max_us == 9000);
  }
}

}  // namespace mobula::objects
