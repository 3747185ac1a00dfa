// Actors: the order of calls, what waits for whom, restarts and their delays.
#include "tasks/actor_table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace mobula::tasks;

namespace {

struct World {
  std::set<ObjectKey> unsettled;
  ActorTable table;
  std::vector<CallOffer> offers;

  explicit World(ActorLimits limits = {})
      : table(limits, [this](ObjectKey key) { return unsettled.count(key) == 0; }) {}

  std::vector<TaskNumber> decide() {
    table.decide(offers);
    std::vector<TaskNumber> calls;
    for (const CallOffer &offer : offers) calls.push_back(offer.call);
    return calls;
  }
  void settle(ObjectKey key) {
    unsettled.erase(key);
    table.object_settled(key);
  }
  bool call(TaskNumber number, CallerNumber caller, std::vector<ObjectKey> waits_for = {}) {
    return table.call_submitted(number, 1, caller, caller, waits_for);
  }
};

using Calls = std::vector<TaskNumber>;

}  // namespace

TEST_SUITE("actor table") {
  TEST_CASE("calls wait until the actor is made, and are offered in order") {
    World world;
    CHECK(world.table.add(1, 0));
    CHECK(world.call(10, 5));
    CHECK(world.call(11, 5));
    CHECK(world.decide().empty());
    world.table.started(1, 0);
    CHECK(world.decide() == Calls{10, 11});
    CHECK(world.table.offered(1) == Calls{10, 11});
    CHECK_FALSE(world.table.is_idle(1));
    world.table.call_ended(10);
    world.table.call_ended(11);
    CHECK(world.table.is_idle(1));
    CHECK(world.table.calls_count() == 0);
  }

  TEST_CASE("a call that waits for an object keeps those behind it of the same caller, no others") {
    World world;
    world.unsettled = {7, 8};
    CHECK(world.table.add(1, 0));
    world.table.started(1, 0);
    world.call(10, 5, {7, 8});
    world.call(11, 5);
    world.call(20, 6);
    CHECK(world.decide() == Calls{20});
    CHECK(world.table.waiting_on(8) == Calls{10});
    world.settle(8);
    CHECK(world.decide().empty());
    CHECK(world.table.waiting_on(7) == Calls{10});
    world.settle(7);
    CHECK(world.decide() == Calls{10, 11});
  }

  TEST_CASE("when a waiting call is removed, the one behind it goes on") {
    World world;
    world.unsettled = {7};
    CHECK(world.table.add(1, 0));
    world.table.started(1, 0);
    world.call(10, 5, {7});
    world.call(11, 5);
    CHECK(world.decide().empty());
    world.table.call_ended(10);
    CHECK(world.decide() == Calls{11});
  }

  TEST_CASE("callers take turns, and no more is offered than the ring holds") {
    World world({.actors_max = 1, .calls_max = 100, .offers_per_actor_max = 4});
    CHECK(world.table.add(1, 0));
    CHECK_FALSE(world.table.add(2, 0));
    world.table.started(1, 0);
    for (TaskNumber i = 0; i < 4; ++i) world.call(10 + i, 5);
    for (TaskNumber i = 0; i < 4; ++i) world.call(20 + i, 6);
    CHECK(world.decide() == Calls{10, 20, 11, 21});
    CHECK(world.decide().empty());
    world.table.call_ended(10);
    CHECK(world.decide() == Calls{12});
  }

  TEST_CASE("a paused actor is offered nothing") {
    World world;
    CHECK(world.table.add(1, 0));
    world.table.started(1, 0);
    world.table.pause(1, true);
    world.call(10, 5);
    CHECK(world.decide().empty());
    world.table.pause(1, false);
    CHECK(world.decide() == Calls{10});
  }

  TEST_CASE("an actor without restarts does not come back; its calls are returned in order") {
    World world;
    CHECK(world.table.add(1, 0));
    world.table.started(1, 0);
    world.call(10, 5);
    world.call(11, 5);
    CHECK(world.decide() == Calls{10, 11});
    world.call(12, 5);
    CHECK_FALSE(world.table.died(1, 100).has_value());
    CHECK(world.table.end(1) == Calls{10, 11, 12});
    CHECK_FALSE(world.table.knows(1));
    CHECK_FALSE(world.call(13, 5));
  }

  TEST_CASE("restarts come at once, then later and later, and at once again after a long life") {
    World world;
    CHECK(world.table.add(1, -1));
    std::vector<ActorNumber> due;
    std::int64_t now = 0;
    std::vector<std::int64_t> delays;
    for (int i = 0; i < 10; ++i) {
      world.table.started(1, now);
      const auto at = world.table.died(1, now);
      REQUIRE(at.has_value());
      CHECK(world.table.next_due_ns() == at);
      delays.push_back(*at - now);
      world.table.take_due(*at - 1, due);
      CHECK(due.empty() == (*at > now - 1));
      now = *at;
      world.table.take_due(now, due);
      CHECK(due == std::vector<ActorNumber>{1});
    }
    CHECK(delays[0] == 0);
    CHECK(delays[1] == ActorTable::kRestartDelayMinNs);
    CHECK(delays[2] == 2 * ActorTable::kRestartDelayMinNs);
    CHECK(delays[9] == ActorTable::kRestartDelayMaxNs);
    CHECK(world.table.restarts(1) == 10);
    world.table.started(1, now);
    CHECK(world.table.died(1, now + ActorTable::kLivedLongNs) == now + ActorTable::kLivedLongNs);
  }

  TEST_CASE("what was not claimed is offered again after the restart, before what came later") {
    World world;
    CHECK(world.table.add(1, 1));
    world.table.started(1, 0);
    for (TaskNumber i = 10; i < 14; ++i) world.call(i, 5);
    CHECK(world.decide() == Calls{10, 11, 12, 13});
    world.call(14, 5);
    REQUIRE(world.table.died(1, 0).has_value());
    world.table.call_ended(10);  // ran, and has failed
    for (const TaskNumber call : {13, 12, 11}) world.table.requeue(call);
    std::vector<ActorNumber> due;
    world.table.take_due(0, due);
    CHECK(world.decide().empty());
    world.table.started(1, 0);
    CHECK(world.decide() == Calls{11, 12, 13, 14});
    CHECK_FALSE(world.table.died(1, 0).has_value());
  }

  TEST_CASE("the queued calls of a job that has ended are forgotten, the offered ones stay") {
    World world({.actors_max = 1, .calls_max = 100, .offers_per_actor_max = 1});
    CHECK(world.table.add(1, 0));
    world.table.started(1, 0);
    world.call(10, 5);
    world.call(11, 5);
    world.call(20, 6);
    CHECK(world.decide() == Calls{10});
    CHECK(world.table.job_ended(5) == Calls{11});
    world.table.call_ended(10);
    CHECK(world.decide() == Calls{20});
  }

  TEST_CASE("whatever happens, each caller's calls are offered in order and none is lost") {
    for (unsigned seed = 1; seed <= 200; ++seed) {
      CAPTURE(seed);
      std::mt19937 random(seed);
      World world({.actors_max = 8, .calls_max = 10'000, .offers_per_actor_max = 3});
      CHECK(world.table.add(1, -1));
      std::map<CallerNumber, Calls> model;  // what is still to be offered, by caller
      std::vector<std::pair<TaskNumber, CallerNumber>> running;
      std::map<TaskNumber, CallerNumber> caller_of;
      bool alive = false;
      TaskNumber next = 1;
      std::int64_t now = 0;
      for (int step = 0; step < 400; ++step) {
        switch (random() % 6) {
          case 0:
          case 1: {
            std::vector<ObjectKey> keys;
            for (unsigned i = random() % 3; i > 0; --i) keys.push_back(1 + random() % 5);
            for (const ObjectKey key : keys) world.unsettled.insert(key);
            const CallerNumber caller = 1 + random() % 3;
            REQUIRE(world.call(next, caller, keys));
            caller_of[next] = caller;
            model[caller].push_back(next++);
            break;
          }
          case 2:
            world.settle(1 + random() % 5);
            break;
          case 3:
            if (!running.empty()) {
              world.table.call_ended(running.front().first);
              running.erase(running.begin());
            }
            break;
          case 4:
            if (alive && random() % 4 == 0) {
              REQUIRE(world.table.died(1, now).has_value());
              for (auto call = running.rbegin(); call != running.rend(); ++call) {
                world.table.requeue(call->first);
                Calls &calls = model[call->second];
                calls.insert(calls.begin(), call->first);
              }
              running.clear();
              alive = false;
            } else if (!alive) {
              now += ActorTable::kRestartDelayMaxNs;
              std::vector<ActorNumber> due;
              world.table.take_due(now, due);
              world.table.started(1, now);
              alive = true;
            }
            break;
          case 5: {
            // Any call that was not offered may be taken out.
            Calls &calls = model[1 + random() % 3];
            if (calls.empty() || random() % 4 != 0) break;
            const std::size_t which = random() % calls.size();
            world.table.call_ended(calls[which]);
            calls.erase(calls.begin() + static_cast<std::ptrdiff_t>(which));
            break;
          }
        }
        for (const TaskNumber call : world.decide()) {
          REQUIRE(alive);
          Calls &calls = model[caller_of[call]];
          REQUIRE_FALSE(calls.empty());
          REQUIRE(calls.front() == call);
          calls.erase(calls.begin());
          running.emplace_back(call, caller_of[call]);
        }
        REQUIRE(running.size() <= 3);
      }
      // In the end all come.
      for (ObjectKey key = 1; key <= 5; ++key) world.settle(key);
      std::vector<ActorNumber> due;
      world.table.take_due(now + ActorTable::kRestartDelayMaxNs, due);
      world.table.started(1, now);
      while (world.table.calls_count() != 0) {
        for (const TaskNumber call : world.decide()) running.emplace_back(call, caller_of[call]);
        REQUIRE_FALSE(running.empty());
        world.table.call_ended(running.front().first);
        running.erase(running.begin());
      }
    }
  }
}
