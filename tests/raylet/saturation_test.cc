// The raylet's own counters at their tops, which are small in this program.
#include <doctest/doctest.h>

#include "raylet/store.h"
#include "refs/test_client.h"

namespace mobula::raylet {
namespace {

using refs::ObjectName;
using refs::State;

constexpr std::uint64_t kBytes = 4096;

struct StoreWorld {
  std::unique_ptr<segment::Segment> segment = segment::create_segment();
  Store store{*segment};
  refs::TestClient anna{*segment, 1};

  std::uint32_t grant_one(std::uint64_t bytes = kBytes) {
    const auto granted = store.grant(anna.id, objects::class_of(bytes), 1, bytes);
    REQUIRE(granted.size() == 1);
    return granted[0];
  }
  ObjectName name_of(std::uint32_t entry) const { return {entry, refs::generation_of(store.word_of(entry))}; }
  std::size_t free_all() {
    std::size_t freed = 0;
    while (store.has_candidates()) freed += store.free_batch([] {});
    return freed;
  }
  // Puts, drops and frees one object.
  void use(std::uint32_t entry) {
    segment::Row &row = anna.put(entry);
    refs::References::share(row);
    REQUIRE(anna.release(row) == refs::References::Release::kLast);
    store.suggest(entry);
    REQUIRE(free_all() == 1);
  }
};

TEST_SUITE("raylet/saturation") {
  TEST_CASE("an entry serves its generations, then it is retired: not granted again, its block free") {
    StoreWorld world;
    const std::uint64_t free_bytes = world.store.free_bytes();
    const std::uint32_t retired = world.grant_one();
    world.use(retired);
    for (std::uint64_t generation = 1; generation < base::kGenerationTop; ++generation) {
      REQUIRE(world.grant_one() == retired);
      REQUIRE(world.name_of(retired).generation == generation);
      CHECK(world.store.figures().retired_entries == 0);
      world.use(retired);
    }
    CHECK(refs::is_retired(world.store.word_of(retired)));
    CHECK(world.store.figures().retired_entries == 1);
    CHECK(world.store.free_bytes() == free_bytes);
    CHECK_FALSE(world.store.index()[retired].is_out);
    for (std::uint32_t i = 0; i + 1 < base::kEntriesPerChunk; ++i) REQUIRE(world.grant_one(1) != retired);
    CHECK(world.store.index().size() == base::kEntriesPerChunk);
  }

  TEST_CASE("an unused entry that comes back in its last generation is retired, too") {
    StoreWorld world;
    std::uint32_t entry = world.grant_one();
    for (std::uint64_t generation = 0; generation < base::kGenerationTop; ++generation) {
      REQUIRE(world.store.figures().retired_entries == 0);
      REQUIRE(world.store.take_back(world.anna.id, entry));
      const std::uint32_t next = world.grant_one();
      CHECK((next == entry) == (generation + 1 < base::kGenerationTop));
    }
    CHECK(world.store.figures().retired_entries == 1);
  }

  TEST_CASE("raylet references at their top keep their object for good, below it they are exact") {
    for (const std::uint32_t references : {base::kCountTop - 1, base::kCountTop, 4 * base::kCountTop}) {
      StoreWorld world;
      const std::uint32_t entry = world.grant_one();
      segment::Row &row = world.anna.put(entry);
      const ObjectName name = world.name_of(entry);
      refs::References::share(row);
      for (std::uint32_t i = 0; i < references; ++i) REQUIRE(world.store.add_ref(name));
      REQUIRE(world.anna.release(row) == refs::References::Release::kLast);
      world.store.suggest(entry);
      CHECK(world.free_all() == 0);
      for (std::uint32_t i = 0; i < references; ++i) world.store.drop_ref(name);
      world.store.suggest(entry);
      const bool kept = base::is_saturated(references);
      CHECK(world.free_all() == (kept ? 0 : 1));
      CHECK(world.segment->entry(entry).raylet_refs.load() == (kept ? base::kCountTop : 0));
    }
  }
}

}  // namespace
}  // namespace mobula::raylet
