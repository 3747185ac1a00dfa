// What the store keeps although nobody refers to it, and how the passes free it.
#include <doctest/doctest.h>

#include <algorithm>

#include "objects/victims.h"
#include "raylet/raylet_world.h"

namespace mobula::raylet {
namespace {

constexpr std::uint64_t kAll = ~0ull;

struct RetentionWorld : RayletWorld {
  std::unique_ptr<Process> driver = attach();

  // An object that was retained and dropped. `taken_ns` is made up.
  ObjectName make(std::uint64_t taken_ns, std::uint64_t bytes = 1'000) {
    const std::uint32_t entry = grant_one(*driver, bytes);
    segment::Row &row = driver->put(entry);
    const ObjectName name = name_of(entry);
    store.retain(name, true);
    segment->entry(entry).last_taken_ns.store(taken_ns);
    driver->release(row);
    store.suggest(entry);
    CHECK(free_all() == 0);
    return name;
  }
  Freed evict(std::uint64_t bytes) {
    return store.evict(bytes, false, [] {});
  }
  // Two that contain each other; nobody holds them.
  std::pair<ObjectName, ObjectName> make_cycle() {
    const std::uint32_t entries[2] = {grant_one(*driver), grant_one(*driver)};
    segment::Row &first = driver->put(entries[0]);
    segment::Row &second = driver->put(entries[1]);
    const ObjectName names[2] = {name_of(entries[0]), name_of(entries[1])};
    CHECK(store.add_contained(names[0], names[1]));
    CHECK(store.add_contained(names[1], names[0]));
    for (segment::Row *row : {&first, &second}) driver->release(*row);
    for (const std::uint32_t entry : entries) store.suggest(entry);
    CHECK(free_all() == 0);
    return {names[0], names[1]};
  }
};

TEST_SUITE("raylet/retention") {
  TEST_CASE("the pass frees in the order of the last takes, no more than it was asked for") {
    RetentionWorld world;
    const ObjectName third = world.make(300);
    const ObjectName first = world.make(100);
    const ObjectName second = world.make(200);
    CHECK(world.evict(1).objects == 1);
    CHECK_FALSE(world.store.is_named(first));
    CHECK(world.evict(1'500).objects == 2);
    CHECK_FALSE(world.store.is_named(second));
    CHECK_FALSE(world.store.is_named(third));
    CHECK(world.evict(kAll).objects == 0);
    CHECK(world.store.figures().used_bytes == 0);
  }

  TEST_CASE("one that is retained while its verdict is under way is not freed at once") {
    RetentionWorld world;
    const std::uint32_t entry = world.grant_one(*world.driver);
    segment::Row &row = world.driver->put(entry);
    const ObjectName name = world.name_of(entry);
    world.driver->release(row);
    world.store.suggest(entry);
    // The message lay in the ring when the raylet looked.
    CHECK(world.store.free_batch([&] { world.store.retain(name, true); }) == 0);
    CHECK(world.free_all() == 0);
    CHECK(world.store.is_named(name));
    CHECK(world.evict(kAll).objects == 1);
  }

  TEST_CASE("one that is taken, pinned or used by a task while its verdict is under way is not evicted") {
    for (const int how : {0, 1, 2}) {
      RetentionWorld world;
      const ObjectName name = world.make(100);
      const Freed freed = world.store.evict(kAll, false, [&] {
        if (how == 0) world.driver->take(name);
        if (how == 1) world.driver->references.pin(world.driver->take(name));
        if (how == 2) world.store.add_ref(name);
      });
      CHECK(freed.objects == 0);
      CHECK(world.store.is_named(name));
    }
  }

  TEST_CASE("weak holders keep it for each other, and a dead one's are taken back in parts") {
    RetentionWorld world;
    const auto other = world.attach(segment::ClientKind::kWorker, 101);
    std::vector<ObjectName> names;
    for (std::uint64_t i = 0; i < 10; ++i) {
      names.push_back(world.make(i));
      CHECK(world.store.hold_weakly(other->id, names.back(), true));
      world.store.retain(names.back(), false);
    }
    CHECK(world.store.hold_weakly(world.driver->id, names[0], true));
    CHECK(world.free_all() == 0);
    CHECK(world.store.forget_weak_of(other->id, 4));
    CHECK(world.free_all() <= 4);
    while (world.store.forget_weak_of(other->id, 4)) {
    }
    world.free_all();
    for (std::size_t i = 1; i < names.size(); ++i) CHECK_FALSE(world.store.is_named(names[i]));
    CHECK(world.store.is_named(names[0]));
    CHECK(world.store.hold_weakly(world.driver->id, names[0], false));
    CHECK(world.free_all() == 1);
  }

  TEST_CASE("a retained object whose last holder died before it said so is found by the sweep") {
    RetentionWorld world;
    const auto dying = world.attach(segment::ClientKind::kDriver, 101);
    const std::uint32_t entry = world.grant_one(*world.driver, 1'000);
    segment::Row &made = world.driver->put(entry);
    world.store.retain(world.name_of(entry), true);
    segment::Row &taken = dying->take(world.name_of(entry));
    world.driver->release(made);
    world.store.suggest(entry);
    world.free_all();
    dying->release(taken);  // and no hint
    CHECK_FALSE(world.store.has_retained_candidates());
    world.reap(*dying);
    for (std::uint32_t next = world.store.sweep(dying->id, 0, 1'000); next != 0;) {
      next = world.store.sweep(dying->id, next, 1'000);
    }
    world.free_all();
    CHECK(world.evict(kAll).objects == 1);
  }

  TEST_CASE("a made-up time of a take does not keep the pass from its end") {
    RetentionWorld world;
    const ObjectName strange = world.make(~0ull);
    const ObjectName plain = world.make(1);
    world.driver->take(strange);
    CHECK(world.evict(kAll).objects == 1);
    CHECK_FALSE(world.store.is_named(plain));
    CHECK(world.evict(kAll).objects == 0);
    CHECK(world.store.is_named(strange));
  }

  TEST_CASE("what its creator told nobody of is taken from there before it is retained by somebody else") {
    RetentionWorld world;
    const auto other = world.attach(segment::ClientKind::kDriver, 101);
    for (const int how : {0, 1, 2}) {
      const std::uint32_t entry = world.grant_one(*world.driver);
      segment::Row &row = world.driver->put(entry);
      const ObjectName name = world.name_of(entry);
      if (how == 0) world.store.retain(name, true);
      if (how == 1) CHECK(world.store.hold_weakly(other->id, name, true));
      if (how == 2) CHECK(world.store.publish("name", name, false) == refs::NameTable::Change::kDone);
      std::uint32_t released = 0;
      CHECK(world.driver->references.release(row, &released) == refs::References::Release::kLast);
      CHECK(world.store.is_named(name));
      world.store.suggest(entry);
      CHECK(world.free_all() == 0);
      CHECK(world.evict(kAll).objects == 1);
    }
  }

  TEST_CASE("an entry that comes back free keeps nothing of what its last tenant was retained for") {
    RetentionWorld world;
    const std::uint32_t entry = world.grant_one(*world.driver);
    world.driver->begin(entry);
    world.store.retain(world.name_of(entry), true);  // nobody can have been told of a draft
    CHECK(world.segment->entry(entry).retained.load() == 0);
  }

  TEST_CASE("when blocks are short, objects without one stay") {
    RetentionWorld world;
    const ObjectName small = world.make(1, 10);
    const ObjectName large = world.make(2, 1'000);
    CHECK(world.store.evict(1, true, [] {}).objects == 1);
    CHECK(world.store.is_named(small));
    CHECK_FALSE(world.store.is_named(large));
    CHECK(world.store.evict(1, true, [] {}).objects == 0);
    CHECK(world.store.evictable_bytes() == 0);
  }

  TEST_CASE("each victim is noted, and the oldest notes are overwritten") {
    RetentionWorld world;
    std::uint64_t read = objects::evictions_so_far(*world.segment);
    const ObjectName first = world.make(1);
    CHECK(world.evict(kAll).objects == 1);
    std::vector<objects::EvictedObject> victims;
    CHECK(objects::read_victims(*world.segment, &read, &victims) == 0);
    REQUIRE(victims.size() == 1);
    CHECK(victims[0].name == first);
    CHECK(victims[0].bytes >= 1'000);
    CHECK(victims[0].retained == static_cast<std::uint32_t>(segment::Retained::kAsked));
    for (std::uint32_t i = 0; i < base::kVictimsKept + 10; ++i) {
      world.make(2);
      CHECK(world.evict(kAll).objects == 1);
    }
    victims.clear();
    CHECK(objects::read_victims(*world.segment, &read, &victims) == 10);
    CHECK(victims.size() == base::kVictimsKept);
    CHECK(objects::read_victims(*world.segment, &read, &victims) == 0);
  }

  TEST_CASE("names keep an object, and go with it when it is evicted") {
    RetentionWorld world;
    const ObjectName name = world.make(1);
    CHECK(world.store.publish("a", name, false) == refs::NameTable::Change::kDone);
    CHECK(world.store.publish("b", name, false) == refs::NameTable::Change::kDone);
    world.store.retain(name, false);
    CHECK(world.store.unpublish("a"));
    CHECK(world.free_all() == 0);
    CHECK(world.evict(kAll).objects == 1);
    CHECK_FALSE(refs::find_name(*world.segment, "b"));
    CHECK_FALSE(world.store.unpublish("b"));
  }

  TEST_CASE("a cycle is freed whole, with what it contains") {
    RetentionWorld world;
    const auto [first, second] = world.make_cycle();
    const std::uint32_t inner_entry = world.grant_one(*world.driver);
    segment::Row &inner = world.driver->put(inner_entry);
    const ObjectName inner_name = world.name_of(inner_entry);
    CHECK(world.store.add_contained(first, inner_name));
    world.driver->release(inner);
    std::vector<ObjectName> reported;
    CHECK(world.store.may_have_cycles());
    const Freed freed = world.store.collect_cycles([] {}, [&](const ObjectName &name) { reported.push_back(name); });
    CHECK(freed.objects == 2);
    CHECK(reported.size() == 2);
    for (const ObjectName &name : {first, second}) {
      CHECK(std::find(reported.begin(), reported.end(), name) != reported.end());
    }
    CHECK(world.free_all() == 1);
    CHECK_FALSE(world.store.is_named(inner_name));
    CHECK(world.store.figures().objects == 0);
    CHECK_FALSE(world.store.may_have_cycles());
  }

  TEST_CASE("a cycle is kept whole when one of it is taken, pinned, named or used while the verdict is under way") {
    for (int how = 0; how < 8; ++how) {
      RetentionWorld world;
      const auto cycle = world.make_cycle();
      const ObjectName one = how % 2 == 0 ? cycle.first : cycle.second;
      const Freed freed = world.store.collect_cycles([&] {
        if (how / 2 == 0) world.driver->take(one);
        if (how / 2 == 1) world.store.add_ref(one);
        if (how / 2 == 2) world.store.retain(one, true);
        if (how / 2 == 3) world.driver->references.pin(world.driver->take(one));
      });
      CHECK(freed.objects == 0);
      for (const ObjectName &name : {cycle.first, cycle.second}) {
        CHECK(world.store.is_named(name));
        CHECK_FALSE(refs::is_evicting(world.store.word_of(name.entry)));
        CHECK(world.segment->entry(name.entry).group.load() == 0);
      }
    }
  }

  TEST_CASE("a cycle that somebody takes does not keep another one") {
    RetentionWorld world;
    const auto taken = world.make_cycle();
    const auto left = world.make_cycle();
    const Freed freed = world.store.collect_cycles([&] { world.driver->take(taken.second); });
    CHECK(freed.objects == 2);
    CHECK(world.store.groups_rescued() == 1);
    CHECK(world.store.is_named(taken.first));
    CHECK_FALSE(world.store.is_named(left.first));
  }

  TEST_CASE("the buffers of large results are no reason for another pass") {
    RetentionWorld world;
    const std::uint32_t entries[2] = {world.grant_one(*world.driver), world.grant_one(*world.driver)};
    world.driver->put(entries[0]);
    world.driver->put(entries[1], {}, segment::Kind::kBuffer);
    CHECK(world.store.add_contained(world.name_of(entries[0]), world.name_of(entries[1])));
    CHECK_FALSE(world.store.may_have_cycles());
  }

  TEST_CASE("a cycle that is only held weakly is freed by the mark pass") {
    RetentionWorld world;
    const auto cycle = world.make_cycle();
    CHECK(world.store.hold_weakly(world.driver->id, cycle.first, true));
    CHECK(world.store.collect_cycles([] {}).objects == 2);
  }

  TEST_CASE("a weak container that no cycle keeps stays for the eviction pass") {
    RetentionWorld world;
    const std::uint32_t entries[2] = {world.grant_one(*world.driver), world.grant_one(*world.driver)};
    segment::Row &outer = world.driver->put(entries[0]);
    segment::Row &inner = world.driver->put(entries[1]);
    CHECK(world.store.add_contained(world.name_of(entries[0]), world.name_of(entries[1])));
    CHECK(world.store.hold_weakly(world.driver->id, world.name_of(entries[0]), true));
    for (segment::Row *row : {&outer, &inner}) world.driver->release(*row);
    for (const std::uint32_t entry : entries) world.store.suggest(entry);
    CHECK(world.free_all() == 0);
    CHECK(world.store.collect_cycles([] {}).objects == 0);
    CHECK(world.evict(kAll).objects == 1);
    CHECK(world.free_all() == 1);
  }
}

}  // namespace
}  // namespace mobula::raylet
