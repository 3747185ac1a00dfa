#include "tasks/deadlines.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>

using namespace mobula::tasks;

TEST_SUITE("tasks/deadlines") {
  TEST_CASE("what is due comes once, the earliest first, at its time and not before") {
    Deadlines deadlines;
    CHECK_FALSE(deadlines.next_ns());
    deadlines.set(1, 30);
    deadlines.set(2, 10);
    deadlines.set(3, 20);
    deadlines.set(3, 25);
    deadlines.remove(9);
    CHECK(*deadlines.next_ns() == 10);
    CHECK(deadlines.take_due(9).empty());
    CHECK(deadlines.take_due(25) == std::vector<TaskNumber>{2, 3});
    CHECK(deadlines.take_due(25).empty());
    deadlines.remove(1);
    CHECK(deadlines.size() == 0);
    CHECK_FALSE(deadlines.next_ns());
  }

  TEST_CASE("it agrees with a map that is searched from end to end") {
    std::mt19937_64 random(2);
    Deadlines deadlines;
    std::map<TaskNumber, std::int64_t> expected;
    int wrong = 0;
    for (std::int64_t now = 0; now < 20'000; ++now) {
      const TaskNumber task = random() % 50;
      if (random() % 3 != 0) {
        const std::int64_t due = now + static_cast<std::int64_t>(random() % 100);
        deadlines.set(task, due);
        expected[task] = due;
      } else {
        deadlines.remove(task);
        expected.erase(task);
      }
      const auto earliest = std::min_element(expected.begin(), expected.end(), [](const auto &one, const auto &other) {
        return one.second < other.second;
      });
      wrong += deadlines.next_ns().value_or(-1) == (earliest == expected.end() ? -1 : earliest->second) ? 0 : 1;
      for (const TaskNumber due : deadlines.take_due(now)) {
        wrong += expected.contains(due) && expected[due] <= now ? 0 : 1;
        expected.erase(due);
      }
      for (const auto &[number, due] : expected) wrong += due > now ? 0 : 1;
    }
    CHECK(wrong == 0);
    CHECK(deadlines.size() == expected.size());
  }
}
