#include "raylet/store.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "raylet/raylet_world.h"
#include "raylet/tasks.h"

namespace mobula::raylet {
namespace {

constexpr std::uint64_t kPage = segment::kPageBytes;
constexpr std::uint32_t kNoSuchEntry = base::kEntriesMax + 5;

TEST_SUITE("raylet/store") {
  TEST_CASE("granted entries are different, free, owned by the client and have room for what was asked") {
    RayletWorld world;
    const auto driver = world.attach();
    const auto granted = world.store.grant(driver->id, objects::class_of(1000), 5, 1000);
    CHECK(std::set<std::uint32_t>(granted.begin(), granted.end()).size() == 5);
    std::set<std::uint64_t> offsets;
    for (const std::uint32_t entry : granted) {
      CHECK(world.state_of(entry) == State::kFree);
      CHECK(world.store.index()[entry].owner == driver->id);
      CHECK(world.segment->entry(entry).capacity_bytes >= 1000);
      CHECK(world.segment->contains(world.segment->entry(entry).offset, 1000));
      offsets.insert(world.segment->entry(entry).offset);
    }
    CHECK(offsets.size() == 5);
    const std::uint32_t small = world.grant_one(*driver, segment::kInlineBytes);
    CHECK(world.segment->entry(small).offset == segment::kInlineOffset);
  }

  TEST_CASE("a full store grants fewer, then none, and all of it again after it was taken back") {
    RayletWorld world;
    const auto driver = world.attach();
    const auto granted = world.store.grant(driver->id, objects::class_of(64 * 1024), 100, 64 * 1024);
    CHECK(granted.size() == segment::kTestCapacityBytes / (64 * 1024));
    CHECK(world.store.free_bytes() == 0);
    CHECK(world.store.grant(driver->id, objects::class_of(kPage), 1, kPage).empty());
    CHECK_FALSE(world.store.is_out_of_entries());
    for (const std::uint32_t entry : granted) REQUIRE(world.store.take_back(driver->id, entry));
    CHECK(world.store.free_bytes() == segment::kTestCapacityBytes);
    const auto whole = world.store.grant(driver->id, objects::kLargeClass, 1, segment::kTestCapacityBytes - kPage);
    CHECK(whole.size() == 1);
  }

  TEST_CASE("what can never fit is not granted") {
    RayletWorld world;
    const auto driver = world.attach();
    for (const std::uint64_t bytes : {segment::kTestCapacityBytes + 1, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
      CHECK(world.store.grant(driver->id, objects::kLargeClass, 1, bytes).empty());
    }
    CHECK(world.store.free_bytes() == segment::kTestCapacityBytes);
  }

  TEST_CASE("only a free entry is taken back, and only from its owner") {
    RayletWorld world;
    const auto driver = world.attach();
    const auto other = world.attach();
    const std::uint32_t entry = world.grant_one(*driver, kPage);
    CHECK_FALSE(world.store.take_back(other->id, entry));
    CHECK_FALSE(world.store.take_back(driver->id, kNoSuchEntry));
    CHECK(world.store.take_back(driver->id, entry));
    CHECK_FALSE(world.store.take_back(driver->id, entry));
    CHECK(world.name_of(entry).generation == 1);
    const std::uint32_t used = world.grant_one(*driver, kPage);
    driver->put(used);
    CHECK_FALSE(world.store.take_back(driver->id, used));
  }

  TEST_CASE("an object is freed when its last holder has gone, and its space comes back") {
    RayletWorld world;
    const auto driver = world.attach();
    const auto other = world.attach();
    const std::uint32_t entry = world.grant_one(*driver, kPage);
    segment::Row &row = driver->put(entry);
    segment::Row &taken = other->take(world.name_of(entry));
    world.store.suggest(entry);
    CHECK(world.free_all() == 0);
    driver->release(row);
    world.store.suggest(entry);
    CHECK(world.free_all() == 0);
    other->release(taken);
    CHECK_FALSE(world.store.has_candidates());
    world.store.suggest(entry);
    CHECK(world.free_all() == 1);
    CHECK(world.state_of(entry) == State::kFree);
    CHECK(world.store.free_bytes() == segment::kTestCapacityBytes);
    CHECK(world.store.figures().freed == 1);
  }

  TEST_CASE("suggestions for what does not exist, is free or unsettled do nothing") {
    RayletWorld world;
    const auto driver = world.attach();
    const std::uint32_t entry = world.grant_one(*driver);
    for (const std::uint32_t hostile : {entry, kNoSuchEntry, segment::kNoEntry}) world.store.suggest(hostile);
    CHECK(world.free_all() == 0);
    segment::Row &row = driver->begin(entry);
    driver->release(row);
    world.store.suggest(entry);
    CHECK(world.free_all() == 0);
    CHECK(world.state_of(entry) == State::kCreating);
  }

  TEST_CASE("a reference of the raylet keeps an object, and dropping the last one suggests it") {
    RayletWorld world;
    const auto driver = world.attach();
    const std::uint32_t entry = world.grant_one(*driver);
    driver->release(driver->put(entry));
    const ObjectName name = world.name_of(entry);
    REQUIRE(world.store.add_ref(name));
    REQUIRE(world.store.add_ref(name));
    CHECK(world.segment->entry(entry).raylet_refs.load() == 2);
    world.store.suggest(entry);
    CHECK(world.free_all() == 0);
    world.store.drop_ref(name);
    CHECK(world.free_all() == 0);
    world.store.drop_ref(name);
    CHECK(world.free_all() == 1);
    CHECK_FALSE(world.store.add_ref(name));
    CHECK_FALSE(world.store.add_ref({kNoSuchEntry, 0}));
    CHECK_FALSE(world.store.add_ref({segment::kNoEntry, 0}));
  }

  TEST_CASE("a message that is drained between look and verdict keeps the object") {
    RayletWorld world;
    const auto driver = world.attach();
    const std::uint32_t entry = world.grant_one(*driver);
    driver->release(driver->put(entry));
    const ObjectName name = world.name_of(entry);
    world.store.suggest(entry);
    std::size_t drains = 0;
    CHECK(world.store.free_batch([&] {
      ++drains;
      CHECK(refs::is_evicting(world.store.word_of(entry)));
      REQUIRE(world.store.add_ref(name));
    }) == 0);
    CHECK(drains == 1);
    CHECK(world.state_of(entry) == State::kSealed);
    CHECK_FALSE(refs::is_evicting(world.store.word_of(entry)));
    world.store.drop_ref(name);
    CHECK(world.free_all() == 1);
  }

  TEST_CASE("a take between look and verdict keeps the object") {
    RayletWorld world;
    const auto driver = world.attach();
    const std::uint32_t entry = world.grant_one(*driver);
    driver->release(driver->put(entry));
    world.store.suggest(entry);
    segment::Row *row = nullptr;
    CHECK(world.store.free_batch([&] { row = &driver->take(world.name_of(entry)); }) == 0);
    CHECK(world.state_of(entry) == State::kSealed);
    driver->release(*row);
    world.store.suggest(entry);
    CHECK(world.free_all() == 1);
  }

  TEST_CASE("without a candidate that passes the look nothing is drained") {
    RayletWorld world;
    const auto driver = world.attach();
    const std::uint32_t entry = world.grant_one(*driver);
    driver->put(entry);
    world.store.suggest(entry);
    CHECK(world.store.free_batch([] { FAIL("drained for nothing"); }) == 0);
  }

  TEST_CASE("a container keeps what it contains, and frees it with itself") {
    RayletWorld world;
    const auto driver = world.attach();
    const std::uint32_t inner = world.grant_one(*driver);
    const std::uint32_t outer = world.grant_one(*driver);
    segment::Row &inner_row = driver->put(inner);
    segment::Row &outer_row = driver->begin(outer);
    REQUIRE(world.store.add_contained(world.name_of(outer), world.name_of(inner)));
    REQUIRE(driver->references.settle(outer_row, State::kSealed));
    // A message that was there before the seal and is read after it counts, too.
    REQUIRE(world.store.add_contained(world.name_of(outer), world.name_of(inner)));
    CHECK(world.segment->entry(outer).contained == 2);
    driver->release(inner_row);
    world.store.suggest(inner);
    CHECK(world.free_all() == 0);
    driver->release(outer_row);
    world.store.suggest(outer);
    CHECK(world.free_all() == 2);
    CHECK(world.state_of(inner) == State::kFree);
  }

  TEST_CASE("what does not live cannot be contained, nor contain") {
    RayletWorld world;
    const auto driver = world.attach();
    const std::uint32_t live = world.grant_one(*driver);
    driver->begin(live);
    CHECK_FALSE(world.store.add_contained(world.name_of(live), {live, 7}));
    CHECK_FALSE(world.store.add_contained(world.name_of(live), {kNoSuchEntry, 0}));
    CHECK_FALSE(world.store.add_contained({live, 7}, world.name_of(live)));
    CHECK_FALSE(world.store.add_contained({kNoSuchEntry, 0}, world.name_of(live)));
    CHECK(world.store.index()[live].raylet_refs == 0);
  }

  TEST_CASE("what an aborted attempt had packed is let go") {
    RayletWorld world;
    const auto driver = world.attach();
    const std::uint32_t inner = world.grant_one(*driver);
    const std::uint32_t outer = world.grant_one(*driver);
    driver->release(driver->put(inner));
    driver->begin(outer);
    REQUIRE(world.store.add_contained(world.name_of(outer), world.name_of(inner)));
    world.store.drop_contained(outer);
    world.store.drop_contained(outer);
    CHECK(world.free_all() == 1);
    CHECK(world.segment->entry(outer).contained == 0);
  }

  TEST_CASE("the raylet fails an unsettled object once, and rings a client that waits for it") {
    RayletWorld world;
    const auto driver = world.attach();
    const std::uint32_t entry = world.grant_one(*driver);
    driver->begin(entry, State::kPending);
    world.segment->entry(entry).waiters.store(1ull << driver->id);
    world.segment->client(driver->id).sleepers.store(1);
    const std::uint32_t bell = world.segment->client(driver->id).bell.load();
    const ObjectName name = world.name_of(entry);
    CHECK_FALSE(world.store.fail({entry, name.generation + 1}, plain_verdict(Code::kWorkerDied)));
    REQUIRE(world.store.fail(name, plain_verdict(Code::kWorkerDied, 77, 9)));
    CHECK(world.state_of(entry) == State::kFailed);
    CHECK(refs::writer_of(world.store.word_of(entry)) == refs::kRayletWriter);
    CHECK(world.segment->entry(entry).verdict.code == static_cast<std::uint32_t>(Code::kWorkerDied));
    CHECK(world.segment->entry(entry).verdict.pid == 77);
    CHECK(world.segment->entry(entry).verdict.process_end == 9);
    CHECK(world.segment->client(driver->id).bell.load() == bell + 1);
    CHECK_FALSE(world.store.fail(name, plain_verdict(Code::kOwnerDied)));
    CHECK(world.segment->entry(entry).verdict.pid == 77);
  }

  TEST_CASE("after a death nothing of a client is left: held, pinned, unsealed, pending and pooled entries") {
    RayletWorld world;
    const auto driver = world.attach();
    const auto other = world.attach(segment::ClientKind::kDriver, 200);
    const std::uint32_t held = world.grant_one(*driver, kPage);
    const std::uint32_t unsealed = world.grant_one(*driver, kPage);
    const std::uint32_t pending = world.grant_one(*driver);
    const std::uint32_t pooled = world.grant_one(*driver, kPage);
    const std::uint32_t shared = world.grant_one(*driver, kPage);
    const std::uint32_t foreign = world.grant_one(*other, kPage);
    driver->references.pin(driver->put(held));
    driver->begin(unsealed);
    driver->begin(pending, State::kPending);
    driver->put(shared);
    segment::Row &kept = other->take(world.name_of(shared));
    segment::Row &told = other->take(world.name_of(unsealed));
    other->put(foreign);
    driver->take(world.name_of(foreign));
    const auto failed = world.reap(*driver);
    CHECK(failed.size() == 2);
    for (const ObjectName &name : failed) {
      CHECK((name.entry == unsealed || name.entry == pending));
      CHECK(world.state_of(name.entry) == State::kFailed);
      CHECK(world.segment->entry(name.entry).verdict.code == static_cast<std::uint32_t>(Code::kOwnerDied));
      CHECK(world.segment->entry(name.entry).verdict.pid == 100);
    }
    for (const std::uint32_t entry : {held, unsealed, pending, pooled, shared, foreign}) {
      CHECK_FALSE(driver->holds(entry));
      CHECK(world.store.index()[entry].owner != driver->id);
    }
    CHECK(world.segment->entry(held).pins.load() == 0);
    CHECK(world.free_all() == 2);  // held and pending
    CHECK(world.state_of(pooled) == State::kFree);
    CHECK(world.state_of(shared) == State::kSealed);
    other->release(kept);
    other->release(told);
    world.store.suggest(shared);
    world.store.suggest(unsealed);
    CHECK(world.free_all() == 2);
    CHECK(world.state_of(foreign) == State::kSealed);
    CHECK(world.store.figures().objects == 1);
    CHECK(world.store.figures().used_bytes == kPage);
    CHECK(world.store.figures().pooled_bytes == 0);
    world.clients.detach(*driver->client);
    CHECK(world.attach()->id != driver->id);
    world.clients.release_id(driver->id);
    CHECK(world.attach()->id == driver->id);
    CHECK(world.segment->client(driver->id).generation.load() == 2);
  }

  TEST_CASE("a reaped result of a task that the raylet knows is left to the task") {
    RayletWorld world;
    const auto driver = world.attach();
    const std::uint32_t result = world.grant_one(*driver);
    driver->begin(result, State::kPending);
    world.store.index()[result].task = 5;
    CHECK(world.reap(*driver).empty());
    CHECK(world.state_of(result) == State::kPending);
  }

  TEST_CASE("rows that name no entry are skipped by the reaper") {
    RayletWorld world;
    const auto driver = world.attach();
    const std::uint32_t entry = world.grant_one(*driver);
    driver->put(entry);
    segment::Row *const rows = world.segment->rows(world.segment->client(driver->id).row_offsets[0]);
    rows[5].entry_plus_1.store(segment::kNoEntry);
    rows[6].entry_plus_1.store(base::kEntriesMax);
    world.reap(*driver);
    CHECK_FALSE(driver->holds(entry));
    CHECK(world.free_all() == 1);
  }

  TEST_CASE("the figures are exact") {
    RayletWorld world;
    const auto driver = world.attach();
    const std::byte bytes[10] = {};
    const std::uint32_t small = world.grant_one(*driver);
    const std::uint32_t large = world.grant_one(*driver, 3 * kPage);
    const std::uint32_t spec = world.grant_one(*driver, kPage);
    world.grant_one(*driver, 2 * kPage);
    driver->put(small, bytes);
    segment::Row &row = driver->put(large, bytes);
    driver->put(spec, bytes, segment::Kind::kSpec);
    driver->references.pin(driver->take(world.name_of(small)));
    StoreFigures figures = world.store.figures();
    CHECK(figures.capacity_bytes == segment::kTestCapacityBytes);
    CHECK(figures.used_bytes == sizeof bytes + 3 * kPage + kPage);
    CHECK(figures.pooled_bytes == 2 * kPage);
    CHECK(figures.objects == 2);
    CHECK(figures.referenced_objects == 2);
    CHECK(figures.pinned_objects == 1);
    CHECK(figures.evictable_objects == 0);
    CHECK(world.store.held_counts()[driver->id] == 3);
    driver->release(row);
    figures = world.store.figures();
    CHECK(figures.referenced_objects == 1);
    CHECK(figures.evictable_objects == 1);
  }

  TEST_CASE("the description of holders names the largest first") {
    RayletWorld world;
    const auto driver = world.attach();
    const auto other = world.attach();
    driver->put(world.grant_one(*driver, kPage));
    other->put(world.grant_one(*other, 64 * kPage));
    const std::string text = world.store.describe_holders([](std::uint32_t id) { return "P" + std::to_string(id); });
    const auto first = text.find("P" + std::to_string(other->id) + " holds 256 KiB in 1 objects");
    const auto second = text.find("P" + std::to_string(driver->id) + " holds 4 KiB in 1 objects");
    CHECK(first != std::string::npos);
    CHECK(second != std::string::npos);
    CHECK(first < second);
  }

  TEST_CASE("lost hints are made good by a scan") {
    RayletWorld world;
    const auto driver = world.attach();
    for (int i = 0; i < 20; ++i) driver->release(driver->put(world.grant_one(*driver)));
    CHECK_FALSE(world.store.has_candidates());
    world.store.request_scan();
    CHECK(world.free_all() == 20);
    CHECK(world.store.figures().objects == 0);
  }
}

}  // namespace
}  // namespace mobula::raylet
