// The audit of what outlives its references.
#include <doctest/doctest.h>

#include "objects/audit_world.h"
#include "refs/names.h"

namespace mobula::objects {
namespace {

TEST_SUITE("objects/audit of retention") {
  TEST_CASE("names without objects, and objects retained for names that they do not have, are named") {
    AuditWorld world;
    refs::NameTable names(*world.segment);
    std::uint32_t replaced = 0;
    world.anna.put(5);
    world.entry(5).retained.store(1);
    REQUIRE(names.publish("five", {5, 0}, false, &replaced) == refs::NameTable::Change::kDone);
    CHECK(world.wrong() == "");
    SUBCASE("of another generation") {
      REQUIRE(names.publish("old", {5, 8}, false, &replaced) == refs::NameTable::Change::kDone);
      CHECK(world.wrong() == "entries: the name 'old' stands for entry 5, generation 8, which is gone");
    }
    SUBCASE("beyond all entries") {
      REQUIRE(names.publish("far", {100'000, 0}, false, &replaced) == refs::NameTable::Change::kDone);
      CHECK(world.wrong() == "entries: the name 'far' stands for entry 100000, generation 0, which is gone");
    }
    SUBCASE("not retained") {
      world.entry(5).retained.store(0);
      CHECK(world.wrong() == "entries: the name 'five' stands for entry 5, generation 0, which is not retained for it");
    }
    SUBCASE("retained without a name") {
      names.unpublish("five");
      CHECK(world.wrong() == "entries: entry 5 is retained for a name that it does not have");
    }
  }

  TEST_CASE("a group that was neither freed nor let go is named") {
    AuditWorld world;
    world.anna.put(5);
    world.entry(5).group.store(4);
    CHECK(world.wrong() ==
          "entries: entry 5 (generation 0, sealed) still has entry 3 as its group's representative "
          "although the raylet rests");
  }
}

}  // namespace
}  // namespace mobula::objects
