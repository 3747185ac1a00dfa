// A process that dies may have overwritten its own slot: how many chunks of rows it has, and where they lie.
#include <doctest/doctest.h>

#include "raylet/raylet_world.h"

namespace mobula::raylet {
namespace {

TEST_SUITE("raylet/store with a damaged slot") {
  TEST_CASE("the raylet finds a dead client's rows by its own record, whatever the client wrote over its slot") {
    for (const bool count_is_damaged : {true, false}) {
      RayletWorld world;
      const auto driver = world.attach();
      const std::uint32_t entry = world.grant_one(*driver);
      driver->put(entry);
      segment::ClientSlot &slot = world.segment->client(driver->id);
      if (count_is_damaged)
        slot.row_chunks = ~0u;
      else
        slot.row_offsets[0] = ~0ull << 12;
      static_cast<void>(world.reap(*driver));
      world.clients.detach(*driver->client);
      CHECK_FALSE(driver->holds(entry));
      CHECK(world.free_all() == 1);
    }
  }
}

}  // namespace
}  // namespace mobula::raylet
