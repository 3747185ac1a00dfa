// Two processes and the raylet over one entry, in every interleaving: takes, rescues, evictions, pins, settling.
#include <doctest/doctest.h>

#include "refs/scheduled_world.h"

namespace mobula::refs {
namespace {

constexpr std::uint64_t kStale = 0;
constexpr std::uint64_t kPresent = 1;

TEST_SUITE("refs/scheduled holders") {
  TEST_CASE("an object that is taken while it is evicted is either held or gone") {
    ScheduledWorld world;
    for (const bool keeps : {true, false}) {
      bool freed = false;
      bool taken = false;
      check_all([&](Scenario &scenario) {
        world.begin_with_dropped_object(scenario);
        freed = taken = false;
        scenario.thread("taker", [&] {
          taken = world.second->take(0);
          if (!taken) return;
          world.bytes.read();
          if (!keeps) world.second->release(*world.second->row);
        });
        scenario.thread("evictor", [&] { freed = world.evict(); });
        scenario.at_end([&]() -> std::string {
          if (keeps && taken == freed && taken) return "both held and freed";
          if (!taken && !freed) return "gone, though nobody freed it";
          return world.at_rest();
        });
      });
    }
  }

  TEST_CASE("the last holder goes and the raylet evicts while another process takes") {
    ScheduledWorld world;
    for (const bool keeps : {true, false}) {
      check_all([&](Scenario &scenario) {
        world.begin_with_object(scenario);
        scenario.thread("leaver", [&] {
          world.bytes.read();
          world.first->release(*world.first->row);
          world.evict();
        });
        scenario.thread("taker", [&] {
          if (!world.second->take(0)) return;
          world.bytes.read();
          if (!keeps) world.second->release(*world.second->row);
        });
      });
    }
  }

  TEST_CASE("two attempts to evict, the first of which backs out of a flag that a rescuer may have cleared") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin_with_dropped_object(scenario);
      scenario.thread("taker", [&] {
        if (!world.second->take(0)) return;
        world.bytes.read();
        world.second->release(*world.second->row);
      });
      scenario.thread("evictor", [&] {
        if (!world.evict()) world.evict();
      });
    });
  }

  TEST_CASE("two processes take while the raylet evicts") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin_with_dropped_object(scenario);
      for (ScheduledClient *taker : {&*world.first, &*world.second}) {
        scenario.thread("taker", [&world, taker] {
          if (taker->take(0)) world.bytes.read();
        });
      }
      scenario.thread("evictor", [&] { world.evict(); });
    });
  }

  TEST_CASE("a name of the object that was evicted does not find the next one in its entry") {
    ScheduledWorld world;
    bool taken = false;
    check_all([&](Scenario &scenario) {
      world.begin_with_dropped_object(scenario);
      world.expects.reset();  // two generations are held
      taken = false;
      scenario.thread("taker", [&] { taken = world.second->take(0); });
      scenario.thread("evictor and next creator", [&] {
        if (world.evict()) support::expect(world.first->create(), "the entry is the creator's");
        if (world.freed != 0) References::share(*world.first->row);
      });
      scenario.at_end(
          [&]() -> std::string { return taken && world.freed != 0 ? "both held and freed" : world.at_rest(); });
    });
  }

  TEST_CASE("the raylet's own pin keeps what nobody holds") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin_with_object(scenario);
      scenario.thread("leaver", [&] { world.first->release(*world.first->row); });
      scenario.thread("raylet", [&] {
        world.entry().pins.fetch_or(1, std::memory_order_seq_cst);
        support::expect(!world.evict(), "it is pinned");
      });
      scenario.at_end([&]() -> std::string {
        world.entry().pins.fetch_and(~1ull);
        return world.at_rest();
      });
    });
  }

  TEST_CASE("a spec that its submitter drops while the raylet drops it too is seen by one of them") {
    ScheduledWorld world;
    bool is_hinted = false;
    bool is_seen = false;
    check_all([&](Scenario &scenario) {
      world.begin_with_object(scenario);
      world.entry().raylet_refs.store(1);
      is_hinted = is_seen = false;
      scenario.thread("submitter", [&] {
        std::uint32_t entry = segment::kNoEntry;
        world.first->handles = 0;
        world.first->client.references.release_shared(*world.first->row, &entry);
        is_hinted = world.entry().raylet_refs.load(std::memory_order_seq_cst) == 0;
      });
      scenario.thread("raylet", [&] {
        world.entry().raylet_refs.store(0, std::memory_order_seq_cst);
        is_seen = world.evict();
      });
      scenario.at_end([&]() -> std::string { return is_hinted || is_seen ? world.at_rest() : "nobody will free it"; });
    });
  }

  TEST_CASE("a stale take of another process does not disturb the creation in a recycled entry") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin(scenario, kPresent);
      world.expects.reset();  // the creator has a handle of a FREE entry
      scenario.thread("creator", [&] {
        world.bytes.write();
        support::expect(world.first->create(), "the entry is the creator's");
        References::share(*world.first->row);
      });
      scenario.thread("stale", [&] { support::expect(!world.second->take(kStale), "a stale name finds nothing"); });
    });
  }

  TEST_CASE("a stale take of another process only delays the evictor") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin(scenario, kPresent);
      world.first->create();
      References::share(*world.first->row);
      scenario.thread("leaver", [&] {
        world.first->release(*world.first->row);
        world.evict();
      });
      scenario.thread("stale", [&] { support::expect(!world.second->take(kStale), "a stale name finds nothing"); });
    });
  }

  TEST_CASE("who is told early sees the bytes as soon as the state says sealed") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin(scenario);
      world.first->row = world.first->client.references.open(kEntry);
      world.first->handles = 1;
      world.first->client.references.begin(*world.first->row, State::kCreating);
      References::share(*world.first->row);
      scenario.thread("creator", [&] {
        world.bytes.write();
        support::expect(world.first->client.references.settle(*world.first->row, State::kSealed), "sealed by us");
        world.first->release(*world.first->row);
      });
      scenario.thread("reader", [&] {
        support::expect(world.second->take(0), "it is held");
        if (is_settled(world.entry().state.load(std::memory_order_acquire))) world.bytes.read();
      });
    });
  }

  TEST_CASE("the creator and the raylet settle an object: one of them wins") {
    ScheduledWorld world;
    bool sealed = false;
    bool failed = false;
    check_all([&](Scenario &scenario) {
      world.begin(scenario);
      world.first->row = world.first->client.references.open(kEntry);
      world.first->handles = 1;
      world.first->client.references.begin(*world.first->row, State::kCreating);
      sealed = failed = false;
      scenario.thread("creator",
                      [&] { sealed = world.first->client.references.settle(*world.first->row, State::kSealed); });
      scenario.thread("raylet", [&] { failed = fail(world.entry(), 0); });
      scenario.at_end([&]() -> std::string {
        if (sealed == failed) return "none or both of them settled it";
        if (state_of(world.word()) != (sealed ? State::kSealed : State::kFailed)) return "the loser wrote";
        References::share(*world.first->row);
        return world.at_rest();
      });
    });
  }

  TEST_CASE("a creation is aborted or settled by the raylet, never both") {
    ScheduledWorld world;
    bool aborted = false;
    bool failed = false;
    check_all([&](Scenario &scenario) {
      world.begin(scenario);
      world.expects.reset();
      world.first->row = world.first->client.references.open(kEntry);
      world.first->handles = 1;
      world.first->client.references.begin(*world.first->row, State::kCreating);
      aborted = failed = false;
      scenario.thread("creator", [&] { aborted = world.first->client.references.abandon(*world.first->row); });
      scenario.thread("raylet", [&] { failed = fail(world.entry(), 0); });
      scenario.at_end([&]() -> std::string {
        if (aborted == failed) return "none or both of them";
        References::share(*world.first->row);
        return world.at_rest();
      });
    });
  }

  TEST_CASE("a private object is recycled while the raylet tries to evict it") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin(scenario);
      world.expects.reset();
      world.first->create();
      scenario.thread("owner", [&] {
        world.bytes.read();
        if (world.first->release(*world.first->row) == References::Release::kLast) world.evict();
      });
      scenario.thread("evictor", [&] { support::expect(!world.evict() || world.first->handles == 0, "it is held"); });
      scenario.at_end([&] {
        References::share(*world.first->row);
        return world.at_rest();
      });
    });
  }

  TEST_CASE("a pin keeps the object when the handle beside it goes") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin_with_object(scenario);
      scenario.thread("pinner", [&] {
        world.first->client.references.pin(*world.first->row);
        ++world.first->handles;
        world.first->release(*world.first->row);
      });
      scenario.thread("evictor", [&] { support::expect(!world.evict(), "it is pinned"); });
      scenario.at_end([&]() -> std::string {
        if (!world.first->client.pins(kEntry)) return "the pin is lost";
        if (!world.first->client.references.unpin(*world.first->row)) return "no pin to give back";
        return world.at_rest();
      });
    });
  }

  TEST_CASE("an unpinned object is freed only after its last handle") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin_with_object(scenario);
      world.first->client.references.pin(*world.first->row);
      scenario.thread("unpinner", [&] {
        world.bytes.read();
        support::expect(world.first->client.references.unpin(*world.first->row), "there is a pin");
        segment::Row &row = *world.first->row;
        // The pin's handle, then the own one.
        ++world.first->handles;
        world.first->release(row);
        world.bytes.read();
        world.first->release(row);
      });
      scenario.thread("evictor", [&] { world.evict(); });
    });
  }
}

}  // namespace
}  // namespace mobula::refs
