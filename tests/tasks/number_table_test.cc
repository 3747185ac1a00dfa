#include "tasks/number_table.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <random>

using mobula::tasks::kNoIndex;
using mobula::tasks::NumberTable;

TEST_SUITE("tasks/number_table") {
  TEST_CASE("an empty table finds nothing and forgets nothing") {
    NumberTable table;
    CHECK(table.index_of(0) == kNoIndex);
    table.erase(0);
    CHECK(table.size() == 0);
  }

  TEST_CASE("it agrees with a map under random inserts and erases, crowded cells included") {
    std::mt19937_64 random(7);
    NumberTable table;
    std::map<std::uint64_t, std::uint32_t> expected;
    int wrong = 0;
    for (std::uint32_t round = 0; round < 200'000; ++round) {
      // Mostly growing, then mostly shrinking; numbers from a small range, so that both hit and miss happen.
      const std::uint64_t number = random() % 3000 << (random() % 2 * 40);
      const bool insert = random() % 100 < (round % 20'000 < 10'000 ? 70U : 30U);
      if (insert && expected.emplace(number, round).second) {
        table.insert(number, round);
      } else if (!insert) {
        table.erase(number);
        expected.erase(number);
      }
      const std::uint64_t probe = random() % 3000;
      const auto found = expected.find(probe);
      wrong += table.index_of(probe) == (found == expected.end() ? kNoIndex : found->second) ? 0 : 1;
    }
    CHECK(wrong == 0);
    CHECK(table.size() == expected.size());
    for (const auto &[number, index] : expected) {
      wrong += table.index_of(number) == index ? 0 : 1;
    }
    CHECK(wrong == 0);
  }
}
