// The session's own pins, as the store keeps them.
#include <doctest/doctest.h>

#include "raylet/raylet_world.h"

namespace mobula::raylet {
namespace {

TEST_SUITE("raylet/pins") {
  TEST_CASE("an object that its creator told nobody of is kept by the session's pin, and not recycled") {
    RayletWorld world;
    const auto driver = world.attach();
    const std::uint32_t entry = world.grant_one(*driver);
    segment::Row &row = driver->put(entry);
    const ObjectName name = world.name_of(entry);
    CHECK(world.store.pin(name));
    CHECK_FALSE(world.store.pin(name));
    std::uint32_t released = 0;
    CHECK(driver->references.release(row, &released) == refs::References::Release::kLast);
    world.store.suggest(entry);
    CHECK(world.free_all() == 0);
    CHECK(world.store.is_named(name));
    CHECK(world.store.unpin(name));
    CHECK(world.free_all() == 1);
  }

  TEST_CASE("what is still being written is not pinned, and its creator may give it up") {
    RayletWorld world;
    const auto driver = world.attach();
    const std::uint32_t entry = world.grant_one(*driver);
    segment::Row &row = driver->begin(entry);
    CHECK_FALSE(world.store.pin(world.name_of(entry)));
    CHECK(driver->references.abandon(row));
  }

  TEST_CASE("a result that is still awaited is pinned") {
    RayletWorld world;
    const auto driver = world.attach();
    const std::uint32_t entry = world.grant_one(*driver);
    driver->begin(entry, State::kPending);
    CHECK(world.store.pin(world.name_of(entry)));
    CHECK(world.store.unpin(world.name_of(entry)));
  }
}

}  // namespace
}  // namespace mobula::raylet
