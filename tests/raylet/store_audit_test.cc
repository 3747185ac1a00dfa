// The raylet's own figures and the audit of the segment, which knows nothing of the raylet's memory, say the same.
#include <doctest/doctest.h>

#include "objects/audit.h"
#include "raylet/raylet_world.h"

namespace mobula::raylet {
namespace {

// The world's raylet rests whenever the test looks.
objects::Audit examine(RayletWorld &world) {
  world.segment->header().raylet_sleeping.store(1);
  objects::Audit found = objects::audit(*world.segment);
  for (const objects::Problem &problem : found.problems) FAIL_CHECK(problem.text);
  const StoreFigures figures = world.store.figures();
  CHECK(found.objects == figures.objects);
  CHECK(found.used_bytes == figures.used_bytes);
  CHECK(found.pooled_bytes == figures.pooled_bytes);
  return found;
}

TEST_SUITE("raylet/store_audit") {
  TEST_CASE("granted, used, recycled and freed entries of all sizes") {
    RayletWorld world;
    const auto anna = world.attach();
    const auto bert = world.attach(segment::ClientKind::kWorker, 101);
    for (const std::uint64_t bytes : {1u, 300u, 5'000u, 100'000u, 700'000u}) {
      const std::vector<std::byte> content(bytes);
      segment::Row &held = anna->put(world.grant_one(*anna, bytes), content);
      world.grant_one(*anna, bytes);
      segment::Row &shared = anna->put(world.grant_one(*anna, bytes), content);
      const ObjectName name = refs::References::name_of(shared);
      segment::Row &taken = bert->take(name);
      anna->release(shared);
      examine(world);
      bert->release(taken);
      world.store.suggest(name.entry);
      CHECK(world.free_all() == 1);
      examine(world);
      std::uint32_t entry = 0;
      CHECK(anna->references.release(held, &entry) == refs::References::Release::kRecycled);
      examine(world);
    }
  }

  TEST_CASE("blocks that are withdrawn from pools, and entries that come back") {
    RayletWorld world;
    const auto anna = world.attach();
    const std::uint32_t pooled = world.grant_one(*anna, 5'000);
    anna->put(world.grant_one(*anna, 5'000));
    CHECK(examine(world).pooled_bytes != 0);
    world.segment->header().pressure.store(1);
    world.store.begin_withdrawing();
    while (world.store.withdraw_some()) {
    }
    CHECK(examine(world).pooled_bytes == 0);
    CHECK(world.store.take_back(anna->id, pooled));
    examine(world);
  }

  TEST_CASE("withdrawing looks at so many entries at a time that the rings do not wait") {
    RayletWorld world;
    const auto anna = world.attach();
    for (int i = 0; i < 5'000; ++i) world.grant_one(*anna, 8);
    world.grant_one(*anna, 5'000);
    const std::uint64_t pooled_bytes = examine(world).pooled_bytes;
    CHECK(pooled_bytes >= 5'000);
    world.segment->header().pressure.store(1);
    world.store.begin_withdrawing();
    CHECK(world.store.withdraw_some());
    CHECK(examine(world).pooled_bytes == pooled_bytes);
    CHECK(!world.store.withdraw_some());
    CHECK(!world.store.is_withdrawing());
    CHECK(examine(world).pooled_bytes == 0);
  }

  TEST_CASE("a client that was reaped leaves nothing that differs") {
    RayletWorld world;
    const auto anna = world.attach();
    auto bert = world.attach(segment::ClientKind::kWorker, 101);
    segment::Row &row = bert->put(world.grant_one(*bert, 5'000), std::vector<std::byte>(5'000));
    bert->references.pin(row);
    anna->take(refs::References::name_of(row));
    bert->begin(world.grant_one(*bert, 300));
    world.grant_one(*bert, 100'000);
    examine(world);
    world.reap(*bert);
    world.clients.detach(*bert->client);
    world.free_all();
    CHECK(examine(world).clients.size() == 1);
  }

  TEST_CASE("a hundred clients: groups, rings and rows are what the kernel has") {
    RayletWorld world;
    std::vector<std::unique_ptr<Process>> processes;
    for (int i = 0; i < 100; ++i) processes.push_back(world.attach(segment::ClientKind::kWorker, 200 + i));
    Process &last = *processes.back();
    const segment::Row &row = last.put(world.grant_one(last));
    for (const auto &process : processes) {
      if (process->id != last.id) process->take(refs::References::name_of(row));
    }
    const objects::Audit found = examine(world);
    CHECK(found.clients.size() == 100);
    CHECK(found.clients.front().objects == 1);
  }
}

}  // namespace
}  // namespace mobula::raylet
