// Two threads of one process over one entry, in every interleaving: what the stripe's lock and the count are for.
#include <doctest/doctest.h>

#include "refs/scheduled_world.h"

namespace mobula::refs {
namespace {

constexpr std::uint64_t kStale = 0;
constexpr std::uint64_t kPresent = 1;

// Reads the bytes and drops the handle; whoever dropped the last one plays the raylet.
void use_and_drop(ScheduledWorld &world) {
  segment::Row &row = *world.first->row;
  world.bytes.read();
  if (world.first->release(row) == References::Release::kLast) world.evict();
}

TEST_SUITE("refs/scheduled process") {
  TEST_CASE("one thread drops the last handle while another takes") {
    ScheduledWorld world;
    for (const bool keeps : {true, false}) {
      check_all([&](Scenario &scenario) {
        world.begin_with_object(scenario);
        segment::Row *const row = world.first->row;
        scenario.thread("leaver", [&world, row] { world.first->release(*row); });
        scenario.thread("taker", [&world, keeps] {
          support::expect(world.first->take(0), "nobody evicts it");
          if (!keeps) world.first->release(*world.first->row);
        });
      });
    }
  }

  TEST_CASE("one thread drops the last handle and the raylet evicts while another thread takes") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin_with_object(scenario);
      scenario.thread("leaver", [&] { use_and_drop(world); });
      scenario.thread("taker", [&] {
        if (world.first->take(0)) world.bytes.read();
      });
    });
  }

  TEST_CASE("two threads drop the two handles that there are: one of them is the last") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin_with_object(scenario);
      References::copy(*world.first->row);
      ++world.first->handles;
      scenario.thread("one", [&] { use_and_drop(world); });
      scenario.thread("other", [&] { use_and_drop(world); });
      scenario.at_end([&]() -> std::string { return world.freed == 1 ? world.at_rest() : "nobody was the last"; });
    });
  }

  TEST_CASE("a thread copies its handle while another drops its own") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin_with_object(scenario);
      References::copy(*world.first->row);
      ++world.first->handles;
      scenario.thread("copier", [&] {
        References::copy(*world.first->row);
        ++world.first->handles;
        use_and_drop(world);
        use_and_drop(world);
      });
      scenario.thread("leaver", [&] { use_and_drop(world); });
      scenario.at_end([&]() -> std::string { return world.freed == 1 ? world.at_rest() : "nobody was the last"; });
    });
  }

  TEST_CASE("two threads take the same object and drop it") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin_with_dropped_object(scenario);
      for (const char *name : {"one", "other"}) {
        scenario.thread(name, [&] {
          support::expect(world.first->take(0), "nobody evicts it");
          world.first->release(*world.first->row);
        });
      }
    });
  }

  TEST_CASE("a private object is recycled and used again while another thread takes by a stale name") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin(scenario, kPresent);
      world.expects.reset();
      world.first->create();
      scenario.thread("owner", [&] {
        ScheduledClient &own = *world.first;
        const References::Release released = own.release(*own.row);
        // The stale taker's count is there for a moment: then the object is dropped like any other.
        if (released != References::Release::kRecycled) return;
        support::expect(own.client.references.begin(*own.row, State::kCreating), "the entry is still ours");
        support::expect(own.client.references.settle(*own.row, State::kSealed), "so is its object");
        support::expect(own.client.holds(kEntry), "the bit never went");
      });
      scenario.thread("stale", [&] { support::expect(!world.first->take(kStale), "a stale name finds nothing"); });
    });
  }

  TEST_CASE("an aborted creation keeps bit, row and count while another thread takes by a stale name") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin(scenario, kPresent);
      world.expects.reset();
      world.first->row = world.first->client.references.open(kEntry);
      world.first->handles = 1;
      scenario.thread("owner", [&] {
        References &own = world.first->client.references;
        support::expect(own.begin(*world.first->row, State::kCreating), "the entry is ours");
        support::expect(own.abandon(*world.first->row), "so is its object");
        support::expect(own.begin(*world.first->row, State::kCreating), "and again");
      });
      scenario.thread("stale", [&] { support::expect(!world.first->take(kStale), "a stale name finds nothing"); });
      scenario.at_end([&]() -> std::string { return world.wrong_at_rest(*world.first); });
    });
  }

  TEST_CASE("a stale take of another thread is undone without the bit of the object that is created meanwhile") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin(scenario, kPresent);
      world.expects.reset();
      scenario.thread("creator", [&] { support::expect(world.first->create(), "the entry is the creator's"); });
      scenario.thread("stale", [&] { support::expect(!world.first->take(kStale), "a stale name finds nothing"); });
      scenario.at_end([&] {
        References::share(*world.first->row);
        return world.at_rest();
      });
    });
  }

  TEST_CASE("two threads pin and unpin the same object") {
    ScheduledWorld world;
    check_all([&](Scenario &scenario) {
      world.begin_with_object(scenario);
      References::copy(*world.first->row);
      ++world.first->handles;
      for (const char *name : {"one", "other"}) {
        scenario.thread(name, [&] {
          References &own = world.first->client.references;
          own.pin(*world.first->row);
          ++world.first->handles;
          support::expect(world.first->client.pins(kEntry), "its bit is there");
          support::expect(own.unpin(*world.first->row), "its pin is there");
          world.first->release(*world.first->row);
        });
      }
      scenario.at_end(
          [&]() -> std::string { return world.first->client.pins(kEntry) ? "a pin bit is left" : world.at_rest(); });
    });
  }
}

}  // namespace
}  // namespace mobula::refs
