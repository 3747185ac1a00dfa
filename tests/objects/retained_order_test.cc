#include "objects/retained_order.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace mobula::objects {
namespace {

TEST_SUITE("objects/retained_order") {
  TEST_CASE("what was taken longest ago comes first, among equals the lower entry") {
    RetainedOrder order;
    CHECK(order.empty());
    CHECK_FALSE(order.pop());
    order.note(5, 300);
    order.note(9, 100);
    order.note(7, 100);
    order.note(1, 200);
    for (const std::uint32_t entry : {7u, 9u, 1u, 5u}) CHECK(order.pop() == entry);
    CHECK(order.empty());
  }

  TEST_CASE("an entry that is noted again has its new place only") {
    RetainedOrder order;
    order.note(1, 100);
    order.note(2, 200);
    order.note(1, 300);
    CHECK(order.size() == 2);
    CHECK(order.pop() == 2);
    CHECK(order.pop() == 1);
    CHECK_FALSE(order.pop());
  }

  TEST_CASE("what is erased does not come, and erasing what is not there is nothing") {
    RetainedOrder order;
    order.erase(1'000'000);
    order.note(1, 100);
    order.erase(1);
    order.erase(1);
    CHECK_FALSE(order.knows(1));
    CHECK(order.empty());
    order.note(1, 50);
    CHECK(order.knows(1));
  }

  TEST_CASE("ten thousand changes leave the same order as sorting") {
    RetainedOrder order;
    std::vector<std::uint64_t> places(200, ~0ull);
    std::mt19937 random(3);
    for (int i = 0; i < 10'000; ++i) {
      const auto entry = static_cast<std::uint32_t>(random() % places.size());
      places[entry] = random() % 4 == 0 ? ~0ull : random() % 50;
      places[entry] == ~0ull ? order.erase(entry) : order.note(entry, places[entry]);
    }
    std::vector<std::pair<std::uint64_t, std::uint32_t>> sorted;
    for (std::uint32_t entry = 0; entry < places.size(); ++entry) {
      if (places[entry] != ~0ull) sorted.emplace_back(places[entry], entry);
    }
    std::sort(sorted.begin(), sorted.end());
    CHECK(order.size() == sorted.size());
    for (const auto &[place, entry] : sorted) CHECK(order.pop() == entry);
  }
}

}  // namespace
}  // namespace mobula::objects
