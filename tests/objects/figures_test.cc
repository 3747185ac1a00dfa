#include "objects/figures.h"

#include <doctest/doctest.h>

#include "objects/audit_world.h"

namespace mobula::objects {
namespace {

using refs::References;
using runtime::RefCount;
using runtime::StoreStats;

constexpr std::uint32_t kEntry = 5;

struct FiguresWorld : AuditWorld {
  segment::Row &put() {
    bind(kEntry, 4096, 8192);
    return anna.put(kEntry);
  }
  RefCount count(std::uint64_t generation = 0) const {
    const auto found = count_references(*segment, {kEntry, generation});
    REQUIRE(found.has_value());
    return *found;
  }
  StoreStats stats() const { return read_store_stats(*segment); }
};

TEST_SUITE("objects/figures") {
  TEST_CASE("handles and pins of each process count, the raylet's references apart from them") {
    FiguresWorld world;
    segment::Row &row = world.put();
    References::copy(row);
    world.anna.references.pin(row);
    segment::Row *taken = nullptr;
    REQUIRE(world.bert.references.take({kEntry, 0}, &taken) == References::Take::kTaken);
    world.entry(kEntry).raylet_refs.store(4);
    world.entry(kEntry).pins.fetch_or(1);
    const RefCount count = world.count();
    CHECK(count.processes == 2);
    CHECK(count.handles == 4);
    CHECK(count.raylet_references == 4);
    CHECK(count.pins == 2);
    CHECK_FALSE(count.named);
    const StoreStats stats = world.stats();
    REQUIRE(stats.processes.size() == 2);
    CHECK(stats.processes[0].pid == 101);
    CHECK(stats.processes[0].handles == 3);
    CHECK(stats.processes[1].kind == runtime::ProcessKind::kWorker);
    CHECK(stats.processes[1].objects == 1);
    CHECK(stats.references() == 8);
    CHECK(stats.pins == 2);
    CHECK(stats.used_bytes == 8192);
  }

  TEST_CASE("why an object is retained is told") {
    FiguresWorld world;
    world.put();
    for (std::uint32_t bits = 0; bits < 8; ++bits) {
      world.entry(kEntry).retained.store(bits);
      const RefCount count = world.count();
      CHECK(count.named == ((bits & 1) != 0));
      CHECK(count.weakly_held == ((bits & 2) != 0));
      CHECK(count.retained == ((bits & 4) != 0));
      CHECK(world.stats().retained_objects == (bits == 0 ? 0 : 1));
    }
  }

  TEST_CASE("another tenant of the entry, a free one, and an entry that does not exist have no count") {
    FiguresWorld world;
    world.put();
    CHECK_FALSE(count_references(*world.segment, {kEntry, 1}).has_value());
    CHECK_FALSE(count_references(*world.segment, {kEntry + 1, 0}).has_value());
    CHECK_FALSE(count_references(*world.segment, {~0u, 0}).has_value());
  }

  TEST_CASE("what lies in pools is free: no object, no handle, only pooled bytes") {
    FiguresWorld world;
    segment::Row &row = world.put();
    CHECK(world.anna.release(row) == References::Release::kRecycled);
    const StoreStats stats = world.stats();
    CHECK(stats.objects == 0);
    CHECK(stats.handles == 0);
    CHECK(stats.processes[0].objects == 0);
    CHECK(stats.used_bytes == 0);
    CHECK(stats.pooled_bytes == 8192);
    CHECK(stats.free_bytes == stats.capacity_bytes - 8192);
  }

  TEST_CASE("a retired entry is counted, a process that is being reaped is not") {
    FiguresWorld world;
    world.put();
    world.entry(9).state.store(refs::pack(refs::State::kFree, refs::kRayletWriter, base::kGenerationTop));
    world.segment->client(kAnna).reaping.store(1);
    CHECK(world.stats().retired_entries == 1);
    CHECK(world.stats().processes.size() == 1);
    CHECK(world.count().processes == 0);
  }

  TEST_CASE("fragmentation is the part of the free bytes that is not in one piece") {
    FiguresWorld world;
    CHECK(StoreStats{}.fragmentation() == 0);
    world.header().block_bytes.store(world.segment->capacity_bytes() - 4000);
    world.header().largest_free_bytes.store(1000);
    CHECK(world.stats().free_bytes == 4000);
    CHECK(world.stats().fragmentation() == doctest::Approx(0.75));
  }

  TEST_CASE("damaged numbers are never followed") {
    const auto each_damage = [](auto damage) {
      FiguresWorld world;
      world.put();
      damage(world);
      static_cast<void>(world.stats());
      static_cast<void>(count_references(*world.segment, {kEntry, 0}));
    };
    each_damage([](FiguresWorld &world) { world.segment->client(kAnna).row_chunks = ~0u; });
    each_damage([](FiguresWorld &world) { world.segment->client(kAnna).row_offsets[0] = 1ull << 62; });
    each_damage([](FiguresWorld &world) { world.segment->client(kAnna).row_offsets[0] = 0; });
    each_damage([](FiguresWorld &world) { world.segment->client(kAnna).kind = static_cast<segment::ClientKind>(77); });
    each_damage([](FiguresWorld &world) { world.header().rows_reserved_bytes.store(~0ull); });
    each_damage([](FiguresWorld &world) { world.header().block_bytes.store(~0ull); });
    each_damage([](FiguresWorld &world) { world.header().largest_free_bytes.store(~0ull); });
    each_damage([](FiguresWorld &world) { world.entry(kEntry).holders.store(~0ull); });
    each_damage([](FiguresWorld &world) { world.entry(kEntry).size = ~0ull; });
    each_damage([](FiguresWorld &world) { world.anna.rows[0].entry_plus_1.store(~0u); });
    FiguresWorld world;
    world.put();
    world.header().block_bytes.store(~0ull);
    CHECK(world.stats().free_bytes == 0);
    world.entry(kEntry).holders.store(~0ull);
    CHECK(world.count().processes == 2);
  }
}

}  // namespace
}  // namespace mobula::objects
