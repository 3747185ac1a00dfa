// Waiting and settling in every interleaving: a wake-up that is lost is a deadlock (rules 23 to 25).
#include <doctest/doctest.h>

#include "base/clock.h"
#include "client/waiter.h"
#include "refs/scheduled_world.h"
#include "refs/waiters.h"

// The explorer's sleep takes the place of the system calls, and a thread does not look 200 times before it sleeps.
namespace mobula::segment {

void wake_all(const Half &) {}
bool raylet_died(const Half &) { return false; }
Wake wait_for_bell(const Half &bell, std::uint32_t seen, const Half &, std::int64_t) {
  support::sleep_while_equal(bell, seen);
  return Wake::kRung;
}

}  // namespace mobula::segment

namespace mobula::client {

Waiter::Waiter(segment::ClientSlot &slot, const segment::Half &life) : slot_(slot), life_(life), spin_(0) {}

namespace {

using refs::check_all;
using refs::kEntry;
using refs::ScheduledWorld;
using refs::State;
using support::Scenario;

struct WaitingWorld : ScheduledWorld {
  // `first` creates what `second` waits for.
  void begin_with_creation(Scenario &scenario) {
    begin(scenario);
    first->row = first->client.references.open(kEntry);
    first->handles = 1;
    first->client.references.begin(*first->row, State::kCreating);
    refs::References::share(*first->row);
    new (&slot()) segment::ClientSlot{};
    scenario.name(&entry().waiters, "waiters");
    scenario.name(&slot().bell, "bell");
    scenario.name(&slot().sleepers, "sleepers");
    scenario.name(&slot().expelled, "expelled");
    scenario.at_end([this]() -> std::string { return slot().sleepers.load() == 0 ? at_rest() : "sleepers are left"; });
  }
  segment::ClientSlot &slot() { return segment->client(second->client.id); }
  void settle() {
    bytes.write();
    support::expect(first->client.references.settle(*first->row, State::kSealed), "nobody else settles it");
    refs::ring_waiters(*segment, kEntry);
  }
  void wait() {
    refs::set_waiter(*segment, second->client.id, kEntry);
    Waiter waiter(slot(), segment->header().life);
    const auto is_ready = [this] { return refs::is_settled(entry().state.load(std::memory_order_acquire)); };
    support::expect(waiter.wait_until(is_ready, base::kForever) == segment::Wake::kRung, "it is settled");
    bytes.read();
  }
};

TEST_SUITE("client/scheduled waiter") {
  TEST_CASE("who waits for an object is woken when it is settled, however the two meet") {
    WaitingWorld world;
    check_all([&](Scenario &scenario) {
      world.begin_with_creation(scenario);
      scenario.thread("creator", [&] { world.settle(); });
      scenario.thread("waiter", [&] { world.wait(); });
    });
  }

  TEST_CASE("two threads of a process wait for the same object and both are woken") {
    WaitingWorld world;
    check_all([&](Scenario &scenario) {
      world.begin_with_creation(scenario);
      scenario.thread("creator", [&] { world.settle(); });
      scenario.thread("waiter", [&] { world.wait(); });
      scenario.thread("waiter too", [&] { world.wait(); });
    });
  }

  TEST_CASE("a client that is expelled while it waits wakes up") {
    WaitingWorld world;
    check_all([&](Scenario &scenario) {
      world.begin_with_creation(scenario);
      scenario.thread("raylet", [&] {
        world.slot().expelled.exchange(1, std::memory_order_seq_cst);
        segment::ring_always(world.slot());
      });
      scenario.thread("waiter", [&] {
        refs::set_waiter(*world.segment, world.second->client.id, kEntry);
        Waiter waiter(world.slot(), world.segment->header().life);
        const auto never = [] { return false; };
        support::expect(waiter.wait_until(never, base::kForever) == segment::Wake::kRayletDied, "it is told");
      });
      scenario.at_end([&]() -> std::string {
        world.first->client.references.settle(*world.first->row, State::kSealed);
        return world.at_rest();
      });
    });
  }
}

}  // namespace
}  // namespace mobula::client
