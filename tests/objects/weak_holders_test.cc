#include "objects/weak_holders.h"

#include <doctest/doctest.h>

namespace mobula::objects {
namespace {

constexpr std::size_t kMany = 1'000;

TEST_SUITE("objects/weak_holders") {
  TEST_CASE("an entry is held weakly until its last client lets go of it") {
    WeakHolders weak;
    CHECK_FALSE(weak.holds(5));
    CHECK(weak.add(1, 5, kMany));
    CHECK(weak.add(2, 5, kMany));
    weak.remove(1, 5);
    CHECK(weak.holds(5));
    weak.remove(2, 5);
    CHECK_FALSE(weak.holds(5));
  }

  TEST_CASE("a client counts once, however often it says so") {
    WeakHolders weak;
    CHECK(weak.add(1, 5, kMany));
    CHECK(weak.add(1, 5, kMany));
    weak.remove(1, 5);
    CHECK_FALSE(weak.holds(5));
    weak.remove(1, 5);
    weak.remove(9, 9);
    CHECK_FALSE(weak.any_of(1));
  }

  TEST_CASE("a dead client's entries are found one by one, and others keep theirs") {
    WeakHolders weak;
    for (std::uint32_t entry = 0; entry < 100; ++entry) CHECK(weak.add(1, entry, kMany));
    CHECK(weak.add(2, 7, kMany));
    int found = 0;
    for (auto entry = weak.any_of(1); entry; entry = weak.any_of(1)) {
      weak.remove(1, *entry);
      ++found;
    }
    CHECK(found == 100);
    CHECK(weak.holds(7));
    CHECK_FALSE(weak.holds(8));
  }

  TEST_CASE("a freed entry is taken from all its clients") {
    WeakHolders weak;
    for (std::uint32_t client = 1; client < 5; ++client) CHECK(weak.add(client, 3, kMany));
    CHECK(weak.add(2, 4, kMany));
    weak.remove_entry(3);
    weak.remove_entry(3);
    CHECK_FALSE(weak.holds(3));
    CHECK_FALSE(weak.any_of(1));
    CHECK(weak.any_of(2) == 4u);
  }

  TEST_CASE("one client has a limit, which others do not share") {
    WeakHolders weak;
    CHECK(weak.add(1, 1, 2));
    CHECK(weak.add(1, 2, 2));
    CHECK_FALSE(weak.add(1, 3, 2));
    CHECK_FALSE(weak.holds(3));
    CHECK(weak.add(2, 3, 2));
    weak.remove(1, 1);
    CHECK(weak.add(1, 3, 2));
  }
}

}  // namespace
}  // namespace mobula::objects
