// Counters at their tops, which are small here, in every interleaving: they stay there, and nothing is freed too early.
#include <doctest/doctest.h>

#include "refs/scheduled_world.h"

// What a settler's look at the waiters would call: nobody sleeps in this program.
namespace mobula::segment {

void wake_all(const Half &) {}

}  // namespace mobula::segment

namespace mobula::refs {
namespace {

using Release = References::Release;

constexpr std::uint32_t kTop = base::kCountTop;
constexpr std::uint64_t kLastUsed = base::kGenerationTop - 1;

struct SaturationWorld : ScheduledWorld {
  bool was_saturated = false;

  segment::Row &row() { return *first->row; }
  // An object that `first` has `handles` of; what it says about saturation must hold from then on.
  void begin_with_handles(Scenario &scenario, std::uint32_t handles) {
    begin_with_object(scenario);
    for (std::uint32_t i = 1; i < handles; ++i) References::copy(row());
    first->handles = handles;
    was_saturated = base::is_saturated(handles);
    scenario.after_each_step([this]() -> std::string {
      const std::uint32_t count = row().count.load();
      if (was_saturated && !base::is_saturated(count)) return "a saturated count has come down";
      if (count >= base::kCountSaturated + base::kCountRoom) return "a count has left its type";
      was_saturated = was_saturated || base::is_saturated(count);
      if (was_saturated && !first->client.holds(kEntry)) return "a saturated holder's bit is gone";
      return names(word(), 0) ? "" : "freed while held";
    });
    scenario.at_end([this]() -> std::string {
      if (was_saturated) return try_free(*segment, kEntry) ? "freed while held" : "";
      return row().count.load() == first->handles ? "" : "below its top a count is exact";
    });
  }
  void copy_and_release(std::uint32_t times) {
    for (std::uint32_t i = 0; i < times; ++i) {
      References::copy(row());
      std::uint32_t entry = 0;
      first->client.references.release(row(), &entry);
    }
  }
};

TEST_SUITE("refs/saturation") {
  TEST_CASE("a count at its top stays there, and its object stays, however often it is released") {
    SaturationWorld world;
    check_all([&](Scenario &scenario) {
      world.begin_with_handles(scenario, kTop);
      scenario.thread("releaser", [&] {
        std::uint32_t entry = 0;
        for (std::uint32_t i = 0; i < 2 * kTop; ++i) {
          support::expect(world.first->client.references.release(world.row(), &entry) == Release::kHeld, "held");
          support::expect(world.first->client.references.release_shared(world.row(), &entry) == Release::kHeld, "held");
        }
      });
    });
    CHECK(world.was_saturated);
  }

  TEST_CASE("handles below the top are exact: one below it all of them can be released") {
    SaturationWorld world;
    check_all([&](Scenario &scenario) {
      world.begin_with_object(scenario);
      scenario.thread("only one", [&] {
        for (std::uint32_t i = 1; i < kTop - 1; ++i) References::copy(world.row());
        std::uint32_t entry = 0;
        for (std::uint32_t i = 1; i < kTop - 1; ++i) {
          support::expect(world.first->client.references.release(world.row(), &entry) == Release::kHeld, "held");
        }
        world.first->handles = 0;
        support::expect(world.first->client.references.release(world.row(), &entry) == Release::kLast, "the last");
      });
    });
  }

  TEST_CASE("threads that copy and release around the top never bring a saturated count down, nor wrap it") {
    for (const std::uint32_t handles : {kTop - 2, kTop - 1, kTop, base::kCountSaturated}) {
      SaturationWorld world;
      check_all([&](Scenario &scenario) {
        world.begin_with_handles(scenario, handles);
        scenario.thread("one", [&] { world.copy_and_release(1); });
        scenario.thread("another", [&] { world.copy_and_release(1); });
        scenario.thread("adder", [&] {
          ++world.first->handles;
          References::copy(world.row());
        });
      });
    }
  }

  TEST_CASE("a taker and a releaser meet at the top") {
    SaturationWorld world;
    check_all([&](Scenario &scenario) {
      world.begin_with_handles(scenario, kTop - 1);
      scenario.thread("taker", [&] { world.first->take(0); });
      scenario.thread("releaser", [&] {
        std::uint32_t entry = 0;
        const bool held = world.first->client.references.release(world.row(), &entry) == Release::kHeld;
        support::expect(held, "others remain");
        --world.first->handles;
      });
      scenario.thread("evictor", [&] { support::expect(!world.evict(), "it is held"); });
    });
  }

  TEST_CASE("a number of pins at its top stays, and so does the pin bit") {
    SaturationWorld world;
    check_all([&](Scenario &scenario) {
      world.begin_with_handles(scenario, 1);
      References &references = world.first->client.references;
      for (std::uint32_t i = 0; i < kTop - 1; ++i) references.pin(world.row());
      scenario.thread("pinner", [&] {
        for (std::uint32_t i = 0; i < kTop; ++i) references.pin(world.row());
        for (std::uint32_t i = 0; i < 2 * kTop; ++i) {
          std::uint32_t entry = 0;
          support::expect(references.unpin(world.row()), "it is pinned");
          support::expect(references.release(world.row(), &entry) == Release::kHeld, "and held");
          support::expect(world.first->client.pins(kEntry), "its bit is there");
        }
      });
    });
    CHECK(base::is_saturated(world.row().pins.load()));
  }

  TEST_CASE("sleepers at their top stay: whoever rings rings once too often, never once too few") {
    segment::Half sleepers{0};
    for (std::uint32_t i = 0; i < 5 * kTop; ++i) base::count_up(sleepers, std::memory_order_seq_cst);
    for (std::uint32_t i = 0; i < 5 * kTop; ++i) base::count_out(sleepers, std::memory_order_seq_cst);
    CHECK(base::is_saturated(sleepers.load()));
  }

  TEST_CASE("sleepers that come and go around the top leave a count that is not 0 while somebody sleeps") {
    segment::Half sleepers{0};
    for (const std::uint32_t asleep : {0u, kTop - 2, kTop - 1, kTop}) {
      check_all([&](Scenario &scenario) {
        sleepers.store(asleep);
        for (const char *name : {"one", "another"}) {
          scenario.thread(name, [&] {
            base::count_up(sleepers, std::memory_order_seq_cst);
            support::expect(sleepers.load() != 0, "this one sleeps");
            base::count_out(sleepers, std::memory_order_seq_cst);
          });
        }
        scenario.at_end([&]() -> std::string { return sleepers.load() >= asleep ? "" : "too few"; });
      });
    }
  }

  TEST_CASE("an entry is recycled privately up to its last generation, which only the raylet ends") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin(scenario, kLastUsed - 1);
      world.expects.reset();
      scenario.thread("creator", [&] {
        References &references = world.first->client.references;
        world.first->create();
        support::expect(world.first->release(*world.first->row) == Release::kRecycled, "one generation is left");
        support::expect(references.begin(*world.first->row, State::kCreating), "it is ours");
        support::expect(references.settle(*world.first->row, State::kSealed), "it is ours");
        support::expect(world.first->release(*world.first->row) == Release::kLast, "the last generation");
        support::expect(world.evict(), "nobody holds it");
        support::expect(is_retired(world.word()), "it is retired");
        support::expect(!world.second->take(kLastUsed), "it is gone");
      });
    });
  }

  TEST_CASE("an aborted creation in the last generation is left to the raylet, settled") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin(scenario, kLastUsed);
      world.expects.reset();
      scenario.thread("creator", [&] {
        world.first->row = world.first->client.references.open(kEntry);
        world.first->handles = 1;
        support::expect(world.first->client.references.begin(*world.first->row, State::kCreating), "it is ours");
        support::expect(!world.first->client.references.abandon(*world.first->row), "it is not kept");
        support::expect(world.first->release(*world.first->row) == Release::kLast, "the last handle");
        support::expect(world.evict(), "the raylet can free it");
        support::expect(is_retired(world.word()), "it is retired");
      });
    });
  }
}

}  // namespace
}  // namespace mobula::refs
