#include "raylet/space.h"

#include <doctest/doctest.h>

#include "raylet/raylet_world.h"

namespace mobula::raylet {
namespace {

constexpr std::uint64_t kMiB = 1ull << 20;

struct SpaceWorld : RayletWorld {
  Space space{store, clients};

  // Every message in the client's grants ring that was not read before.
  std::vector<segment::RingSlot> grants_of(const Process &process) {
    return read_all(&segment->client(process.id).grants, segment->rings(process.id).grants, base::kGrantSlots);
  }
  std::vector<std::uint32_t> entries_of(const Process &process) {
    std::vector<std::uint32_t> entries;
    for (const segment::RingSlot &slot : grants_of(process)) {
      REQUIRE(slot.kind == static_cast<std::uint32_t>(wire::Grant::kEntries));
      entries.insert(entries.end(), slot.words + 1, slot.words + 1 + slot.count);
    }
    return entries;
  }
  void ask(const Process &process, std::uint64_t bytes, std::uint32_t count, std::uint32_t ticket) {
    space.on_request(*process.client, {objects::class_of(bytes), count, bytes, ticket});
  }
};

TEST_SUITE("raylet/space") {
  TEST_CASE("a request is granted by the next serve, in as many messages as it takes") {
    SpaceWorld world;
    const auto driver = world.attach();
    world.ask(*driver, 200, 30, 1);
    CHECK(world.space.is_short());
    CHECK(world.space.serve());
    CHECK_FALSE(world.space.is_short());
    CHECK_FALSE(world.space.serve());
    const auto entries = world.entries_of(*driver);
    CHECK(entries.size() == 30);
    for (const std::uint32_t entry : entries) CHECK(world.store.index()[entry].owner == driver->id);
  }

  TEST_CASE("a batch takes no more than an eighth of what is left, but always one") {
    SpaceWorld world;
    const auto driver = world.attach();
    world.ask(*driver, 64 * 1024, 1000, 1);
    world.space.serve();
    CHECK(world.entries_of(*driver).size() == segment::kTestCapacityBytes / 8 / (64 * 1024));
    world.ask(*driver, kMiB, 4, 2);
    world.space.serve();
    CHECK(world.entries_of(*driver).size() == 1);
  }

  TEST_CASE("requests are met first come first served: a small one does not overtake a large one") {
    SpaceWorld world;
    const auto first = world.attach();
    const auto second = world.attach();
    const std::uint32_t blocker = world.grant_one(*first, 3 * kMiB);
    world.ask(*first, 2 * kMiB, 1, 1);
    world.ask(*second, 4096, 1, 1);
    CHECK_FALSE(world.space.serve());
    CHECK(world.space.is_short());
    CHECK(world.entries_of(*second).empty());
    REQUIRE(world.store.take_back(first->id, blocker));
    CHECK(world.space.serve());
    CHECK(world.entries_of(*first).size() == 1);
    CHECK(world.entries_of(*second).size() == 1);
  }

  TEST_CASE("a withdrawn request gives way to the next one; another's ticket withdraws nothing") {
    SpaceWorld world;
    const auto first = world.attach();
    const auto second = world.attach();
    world.grant_one(*first, 3 * kMiB);
    world.ask(*first, 2 * kMiB, 1, 7);
    world.ask(*second, 4096, 1, 8);
    world.space.on_withdraw(*second->client, 7);
    world.space.on_withdraw(*first->client, 8);
    CHECK_FALSE(world.space.serve());
    world.space.on_withdraw(*first->client, 7);
    CHECK(world.space.serve());
    CHECK(world.entries_of(*second).size() == 1);
    CHECK_FALSE(world.space.is_short());
  }

  TEST_CASE("the requests of a client that has gone are forgotten") {
    SpaceWorld world;
    const auto first = world.attach();
    const auto second = world.attach();
    world.grant_one(*first, 3 * kMiB);
    world.ask(*first, 2 * kMiB, 1, 7);
    world.ask(*second, 4096, 1, 8);
    world.space.on_rows(*first->client);
    world.space.on_client_gone(first->id);
    CHECK(world.space.serve());
    CHECK(world.grants_of(*first).empty());
    CHECK(world.entries_of(*second).size() == 1);
  }

  TEST_CASE("more rows are granted, reserved and zero") {
    SpaceWorld world;
    const auto driver = world.attach();
    world.space.on_rows(*driver->client);
    CHECK(world.space.serve());
    const auto grants = world.grants_of(*driver);
    REQUIRE(grants.size() == 1);
    CHECK(grants[0].kind == static_cast<std::uint32_t>(wire::Grant::kRows));
    CHECK(grants[0].words[0] == 1);
    const std::uint64_t offset = wire::get_wide(grants[0], 1);
    CHECK(offset == world.segment->client(driver->id).row_offsets[1]);
    CHECK(world.segment->client(driver->id).row_chunks == 2);
    const segment::Row &last = world.segment->rows(offset)[2 * base::kRowsPerFirstChunk - 1];
    CHECK(last.entry_plus_1.load() == 0);
  }

  TEST_CASE("a client that does not read its grants gets no more than its ring holds, and the rest is not lost") {
    SpaceWorld world;
    const auto driver = world.attach();
    for (std::uint32_t i = 0; i < 2 * base::kGrantSlots; ++i) world.ask(*driver, 100, 13, i + 1);
    world.space.serve();
    const auto entries = world.entries_of(*driver);
    CHECK(entries.size() == base::kGrantSlots * wire::kEntriesPerGrant);
    std::size_t owned = 0;
    for (std::uint32_t entry = 0; entry < world.store.index().size(); ++entry) {
      owned += world.store.index()[entry].owner == driver->id ? 1 : 0;
    }
    CHECK(owned == entries.size());
  }

  TEST_CASE("hostile numbers in a request harm nobody") {
    SpaceWorld world;
    const auto driver = world.attach();
    const auto other = world.attach();
    world.space.on_request(*driver->client, {~0u, ~0u, 0, 1});
    world.space.on_request(*driver->client, {3, ~0u, ~0ull, 2});
    world.space.on_request(*driver->client, {0, 0, ~0ull, 3});
    while (world.space.serve()) {
    }
    world.space.on_client_gone(driver->id);
    static_cast<void>(world.reap(*driver));
    CHECK(world.store.free_bytes() == segment::kTestCapacityBytes);
    world.ask(*other, 4096, 1, 1);
    CHECK(world.space.serve());
  }
}

}  // namespace
}  // namespace mobula::raylet
