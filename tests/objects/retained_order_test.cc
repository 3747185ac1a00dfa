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
    CHECK_FALSE(order.pop(false));
    order.note(5, 300, 1);
    order.note(9, 100, 1);
    order.note(7, 100, 1);
    order.note(1, 200, 1);
    for (const std::uint32_t entry : {7u, 9u, 1u, 5u}) CHECK(order.pop(false) == entry);
    CHECK(order.empty());
  }

  TEST_CASE("an entry that is noted again has its new place only") {
    RetainedOrder order;
    order.note(1, 100, 1);
    order.note(2, 200, 1);
    order.note(1, 300, 1);
    CHECK(order.size() == 2);
    CHECK(order.pop(false) == 2);
    CHECK(order.pop(false) == 1);
    CHECK_FALSE(order.pop(false));
  }

  TEST_CASE("what is erased does not come, and erasing what is not there is nothing") {
    RetainedOrder order;
    order.erase(1'000'000);
    order.note(1, 100, 1);
    order.erase(1);
    order.erase(1);
    CHECK_FALSE(order.knows(1));
    CHECK(order.empty());
    order.note(1, 50, 1);
    CHECK(order.knows(1));
  }

  TEST_CASE("those that give nothing back are passed over when bytes are needed, and the sum is known") {
    RetainedOrder order;
    order.note(1, 100, 0);
    order.note(2, 200, 50);
    order.note(3, 300, 70);
    CHECK(order.bytes() == 120);
    CHECK(order.pop(true) == 2);
    order.note(3, 400, 10);
    CHECK(order.bytes() == 10);
    CHECK(order.pop(true) == 3);
    CHECK_FALSE(order.pop(true));
    CHECK(order.bytes() == 0);
    CHECK(order.pop(false) == 1);
  }

  TEST_CASE("any time is a place: the last one there is, too") {
    RetainedOrder order;
    order.note(4, ~0ull, 1);
    CHECK(order.knows(4));
    order.note(5, 0, 1);
    CHECK(order.pop(false) == 5);
    CHECK(order.pop(false) == 4);
    CHECK_FALSE(order.pop(false));
    order.note(4, ~0ull, 1);
    order.erase(4);
    CHECK(order.empty());
  }

  TEST_CASE("ten thousand changes leave the same order as sorting") {
    RetainedOrder order;
    std::vector<std::uint64_t> places(200, ~0ull);
    std::mt19937 random(3);
    for (int i = 0; i < 10'000; ++i) {
      const auto entry = static_cast<std::uint32_t>(random() % places.size());
      places[entry] = random() % 4 == 0 ? ~0ull : random() % 50;
      places[entry] == ~0ull ? order.erase(entry) : order.note(entry, places[entry], 1);
    }
    std::vector<std::pair<std::uint64_t, std::uint32_t>> sorted;
    for (std::uint32_t entry = 0; entry < places.size(); ++entry) {
      if (places[entry] != ~0ull) sorted.emplace_back(places[entry], entry);
    }
    std::sort(sorted.begin(), sorted.end());
    CHECK(order.size() == sorted.size());
    for (const auto &[place, entry] : sorted) CHECK(order.pop(false) == entry);
  }
}

}  // namespace
}  // namespace mobula::objects
