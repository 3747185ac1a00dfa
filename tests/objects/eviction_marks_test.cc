#include "objects/eviction_marks.h"

#include <doctest/doctest.h>

namespace mobula::objects {
namespace {

TEST_SUITE("objects/eviction_marks") {
  TEST_CASE("it begins above the upper mark and ends at the lower one") {
    EvictionMarks marks(1'000, 90, 80);
    CHECK(marks.excess_bytes(850) == 0);
    CHECK(marks.excess_bytes(900) == 0);
    CHECK(marks.excess_bytes(901) == 101);
    CHECK(marks.excess_bytes(850) == 50);
    CHECK(marks.excess_bytes(801) == 1);
    CHECK(marks.excess_bytes(800) == 0);
    CHECK(marks.excess_bytes(850) == 0);
  }

  TEST_CASE("without anything to evict it rests, and begins anew at the upper mark") {
    EvictionMarks marks(1'000, 90, 80);
    CHECK(marks.excess_bytes(950) == 150);
    marks.rest();
    CHECK(marks.excess_bytes(850) == 0);
    CHECK(marks.excess_bytes(950) == 150);
  }

  TEST_CASE("the largest store has the marks that the percents say") {
    EvictionMarks marks(1ull << 62, 100, 0);
    CHECK(marks.excess_bytes(1ull << 62) == 0);
    EvictionMarks lower((1ull << 62) + 99, 50, 50);
    CHECK(lower.excess_bytes((1ull << 61) + 50) != 0);
    CHECK(lower.excess_bytes((1ull << 61) + 49) == 0);
  }
}

}  // namespace
}  // namespace mobula::objects
