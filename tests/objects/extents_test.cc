#include "objects/extents.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <vector>

#include "objects/size_classes.h"

namespace mobula::objects {
namespace {

constexpr std::uint64_t kPage = kPageBytes;

// One flag a page; says what is free by looking at all of them.
class PageModel {
 public:
  explicit PageModel(std::size_t pages_count) : used_(pages_count, false) {}

  // False if the extent leaves the region or has a page that is already in that state.
  bool set(Extent extent, bool used) {
    const std::size_t begin = extent.offset / kPage;
    const std::size_t end = begin + extent.bytes / kPage;
    if (extent.offset % kPage != 0 || extent.bytes % kPage != 0 || end > used_.size()) return false;
    for (std::size_t page = begin; page < end; ++page) {
      if (used_[page] == used) return false;
      used_[page] = used;
    }
    return true;
  }

  std::uint64_t largest_free_bytes() const {
    std::uint64_t run = 0;
    std::uint64_t longest = 0;
    for (const bool used : used_) {
      run = used ? 0 : run + 1;
      longest = std::max(longest, run);
    }
    return longest * kPage;
  }

 private:
  std::vector<bool> used_;
};

// Removes and returns one element chosen by the generator.
Extent take_any(std::vector<Extent> &extents, std::mt19937 &random) {
  std::swap(extents[random() % extents.size()], extents.back());
  const Extent taken = extents.back();
  extents.pop_back();
  return taken;
}

TEST_SUITE("objects/extents") {
  TEST_CASE("the whole capacity fits and one byte more does not") {
    Extents extents(16 * kPage);
    CHECK_FALSE(extents.allocate(16 * kPage + 1));
    const std::optional<Extent> all = extents.allocate(16 * kPage);
    REQUIRE(all);
    CHECK(*all == Extent{0, 16 * kPage});
    CHECK(extents.used_bytes() == 16 * kPage);
    CHECK(extents.largest_free_bytes() == 0);
    CHECK_FALSE(extents.allocate(1));
    CHECK(extents.release(*all));
    CHECK(extents.largest_free_bytes() == 16 * kPage);
  }

  TEST_CASE("a broken last page is not handed out") {
    Extents extents(2 * kPage + 100);
    CHECK(extents.capacity_bytes() == 2 * kPage);
    CHECK_FALSE(extents.allocate(2 * kPage + 100));
    CHECK_FALSE(Extents(kPage - 1).allocate(1));
  }

  TEST_CASE("nothing and more than everything are refused, sizes in between are rounded up to pages") {
    Extents extents(16 * kPage);
    CHECK_FALSE(extents.allocate(0));
    CHECK_FALSE(extents.allocate(std::numeric_limits<std::uint64_t>::max()));
    CHECK(extents.allocate(1)->bytes == kPage);
    CHECK(extents.allocate(kPage + 1)->bytes == 2 * kPage);
    CHECK(extents.used_bytes() == 3 * kPage);
    CHECK(extents.free_bytes() == 13 * kPage);
  }

  TEST_CASE("a double release and an extent that was never handed out are refused") {
    Extents extents(16 * kPage);
    const Extent extent = *extents.allocate(4 * kPage);
    CHECK_FALSE(extents.release({extent.offset, 3 * kPage}));
    CHECK_FALSE(extents.release({extent.offset + kPage, 3 * kPage}));
    CHECK_FALSE(extents.release({std::numeric_limits<std::uint64_t>::max(), kPage}));
    CHECK(extents.used_bytes() == 4 * kPage);
    CHECK(extents.release(extent));
    CHECK_FALSE(extents.release(extent));
    CHECK(extents.used_bytes() == 0);
  }

  TEST_CASE("fresh space is touched only when no warm range fits") {
    Extents extents(100 * kPage);
    const Extent low = *extents.allocate(4 * kPage);
    const Extent high = *extents.allocate(8 * kPage);
    CHECK(extents.high_water_bytes() == 12 * kPage);
    REQUIRE(extents.release(low));
    CHECK(extents.allocate(3 * kPage)->offset == low.offset);
    CHECK(extents.high_water_bytes() == 12 * kPage);
    CHECK(extents.allocate(2 * kPage)->offset == high.offset + high.bytes);
    CHECK(extents.high_water_bytes() == 14 * kPage);
  }

  TEST_CASE("a warm range just below the high-water mark is made up with fresh pages") {
    Extents extents(100 * kPage);
    const Extent first = *extents.allocate(4 * kPage);
    const Extent last = *extents.allocate(4 * kPage);
    REQUIRE(extents.release(last));
    CHECK(extents.high_water_bytes() == 8 * kPage);
    CHECK(extents.allocate(6 * kPage)->offset == last.offset);
    CHECK(extents.high_water_bytes() == 10 * kPage);
    CHECK(first.offset == 0);
  }

  TEST_CASE("a range of the same size goes out again, the one released last first") {
    Extents extents(1000 * kPage);
    std::vector<Extent> same;
    for (int i = 0; i < 3; ++i) {
      same.push_back(*extents.allocate(5 * kPage));
      REQUIRE(extents.allocate(kPage));  // keeps them apart
    }
    REQUIRE(extents.release(same[0]));
    REQUIRE(extents.release(same[2]));
    REQUIRE(extents.release(same[1]));
    CHECK(*extents.allocate(5 * kPage) == same[1]);
    CHECK(*extents.allocate(5 * kPage) == same[2]);
    CHECK(*extents.allocate(5 * kPage) == same[0]);
  }

  TEST_CASE("the best fit goes out when no range has the size") {
    Extents extents(1000 * kPage);
    const Extent large = *extents.allocate(20 * kPage);
    REQUIRE(extents.allocate(kPage));
    const Extent close = *extents.allocate(7 * kPage);
    REQUIRE(extents.allocate(kPage));
    REQUIRE(extents.release(close));
    REQUIRE(extents.release(large));
    CHECK(extents.allocate(6 * kPage)->offset == close.offset);
    CHECK(extents.allocate(6 * kPage)->offset == large.offset);
  }

  TEST_CASE("an extent released beside a cold free range comes back at the same offset") {
    Extents extents(100 * kPage);
    const Extent below = *extents.allocate(10 * kPage);
    const Extent middle = *extents.allocate(3 * kPage);
    const Extent above = *extents.allocate(10 * kPage);
    REQUIRE(extents.allocate(kPage));
    SUBCASE("the cold one below") { REQUIRE(extents.release(below)); }
    SUBCASE("the cold one above") { REQUIRE(extents.release(above)); }
    REQUIRE(extents.release(middle));
    CHECK(extents.largest_free_bytes() == 76 * kPage);
    CHECK(*extents.allocate(3 * kPage) == middle);
  }

  TEST_CASE("trim makes only the free end fresh again") {
    Extents extents(100 * kPage);
    const Extent kept_low = *extents.allocate(2 * kPage);
    const Extent kept = *extents.allocate(2 * kPage);
    const Extent last = *extents.allocate(10 * kPage);
    REQUIRE(extents.release(last));
    REQUIRE(extents.release(kept_low));
    CHECK(extents.high_water_bytes() == 14 * kPage);
    CHECK(extents.trim() == 4 * kPage);
    CHECK(extents.trim() == 4 * kPage);
    CHECK(extents.high_water_bytes() == 4 * kPage);
    CHECK(extents.largest_free_bytes() == 96 * kPage);
    CHECK(extents.allocate(96 * kPage)->offset == kept.offset + kept.bytes);
    CHECK(extents.allocate(2 * kPage)->offset == kept_low.offset);
  }

  TEST_CASE("random churn agrees with a model that looks at every page") {
    constexpr std::size_t kPages = 512;
    Extents extents(kPages * kPage);
    PageModel model(kPages);
    std::vector<Extent> live;
    std::mt19937 random(20240611);
    std::size_t refused_count = 0;
    for (int step = 0; step < 20000; ++step) {
      CAPTURE(step);
      if (live.empty() || random() % 100 < 55) {
        const std::uint64_t bytes = 1 + random() % (40 * kPage);
        const std::uint64_t possible_bytes = model.largest_free_bytes();
        const std::optional<Extent> extent = extents.allocate(bytes);
        REQUIRE(extent.has_value() == (bytes <= possible_bytes));
        if (!extent) {
          ++refused_count;
          continue;
        }
        REQUIRE(extent->bytes >= bytes);
        REQUIRE(model.set(*extent, true));
        REQUIRE(extent->offset + extent->bytes <= extents.high_water_bytes());
        live.push_back(*extent);
      } else {
        const Extent extent = take_any(live, random);
        REQUIRE(extents.release(extent));
        REQUIRE_FALSE(extents.release(extent));
        REQUIRE(model.set(extent, false));
        if (random() % 16 == 0) extents.trim();
      }
      REQUIRE(extents.largest_free_bytes() == model.largest_free_bytes());
    }
    CHECK(refused_count > 1000);
    while (!live.empty()) REQUIRE(extents.release(take_any(live, random)));
    CHECK(extents.free_bytes() == extents.capacity_bytes());
    CHECK(extents.largest_free_bytes() == extents.capacity_bytes());
    CHECK(extents.trim() == 0);
  }

  // The bound, for extents of 1 to 64 pages in 256 MiB: nothing is refused, and the largest free range is at every
  // moment at least a quarter of a tenth of the capacity, which is what stays free. About 100 times the whole content
  // is replaced.
  TEST_CASE("long churn at nine tenths full leaves a large free range") {
    constexpr std::uint64_t kPages = 65536;
    constexpr std::uint64_t kLargestPages = 64;
    Extents extents(kPages * kPage);
    std::vector<Extent> live;
    std::mt19937 random(42);
    std::uint64_t refused_count = 0;
    std::uint64_t smallest_largest_bytes = extents.capacity_bytes();
    for (int step = 0; step < 200000; ++step) {
      const std::uint64_t bytes = (1 + random() % kLargestPages) * kPage;
      while (extents.used_bytes() + bytes > extents.capacity_bytes() / 10 * 9) {
        REQUIRE(extents.release(take_any(live, random)));
      }
      const std::optional<Extent> extent = extents.allocate(bytes);
      if (extent) {
        live.push_back(*extent);
      } else {
        ++refused_count;
      }
      smallest_largest_bytes = std::min(smallest_largest_bytes, extents.largest_free_bytes());
    }
    CHECK(refused_count == 0);
    CHECK(smallest_largest_bytes >= extents.capacity_bytes() / 10 / 4);
  }
}

}  // namespace
}  // namespace mobula::objects
