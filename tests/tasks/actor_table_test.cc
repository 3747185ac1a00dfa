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

// One actor and everything that can happen to it, beside a naive model: what each caller has still to be offered.
class RandomCalls {
 public:
  explicit RandomCalls(unsigned seed) : random_(seed) { REQUIRE(world_.table.add(1, -1)); }

  void step() {
    switch (random_() % 6) {
      case 0:
      case 1:
        submit();
        break;
      case 2:
        world_.settle(any_key());
        break;
      case 3:
        end_one();
        break;
      case 4:
        if (!alive_)
          come_alive();
        else if (random_() % 4 == 0)
          die();
        break;
      case 5:
        remove_one();
        break;
    }
    take_offers();
    REQUIRE(running_.size() <= 3);
  }

  // In the end all come.
  void finish() {
    for (ObjectKey key = 1; key <= kKeys; ++key) world_.settle(key);
    if (!alive_) come_alive();
    take_offers();
    while (world_.table.calls_count() != 0) {
      REQUIRE_FALSE(running_.empty());
      end_one();
      take_offers();
    }
    for (const auto &[caller, calls] : waiting_) CHECK(calls.empty());
  }

 private:
  static constexpr ObjectKey kKeys = 5;

  ObjectKey any_key() { return 1 + random_() % kKeys; }
  CallerNumber any_caller() { return 1 + random_() % 3; }

  void submit() {
    std::vector<ObjectKey> keys;
    for (unsigned i = random_() % 3; i > 0; --i) keys.push_back(any_key());
    for (const ObjectKey key : keys) world_.unsettled.insert(key);
    const CallerNumber caller = any_caller();
    REQUIRE(world_.call(next_, caller, keys));
    caller_of_[next_] = caller;
    waiting_[caller].push_back(next_++);
  }
  void end_one() {
    if (running_.empty()) return;
    world_.table.call_ended(running_.front());
    running_.erase(running_.begin());
  }
  void come_alive() {
    now_ += ActorTable::kRestartDelayMaxNs;
    std::vector<ActorNumber> due;
    world_.table.take_due(now_, due);
    world_.table.started(1, now_);
    alive_ = true;
  }
  void die() {
    REQUIRE(world_.table.died(1, now_).has_value());
    for (auto call = running_.rbegin(); call != running_.rend(); ++call) {
      world_.table.requeue(*call);
      Calls &calls = waiting_[caller_of_[*call]];
      calls.insert(calls.begin(), *call);
    }
    running_.clear();
    alive_ = false;
  }
  // Any call that was not offered may be taken out.
  void remove_one() {
    Calls &calls = waiting_[any_caller()];
    if (calls.empty() || random_() % 4 != 0) return;
    const std::size_t which = random_() % calls.size();
    world_.table.call_ended(calls[which]);
    calls.erase(calls.begin() + static_cast<std::ptrdiff_t>(which));
  }
  void take_offers() {
    for (const TaskNumber call : world_.decide()) {
      REQUIRE(alive_);
      Calls &calls = waiting_[caller_of_[call]];
      REQUIRE_FALSE(calls.empty());
      REQUIRE(calls.front() == call);
      calls.erase(calls.begin());
      running_.push_back(call);
    }
  }

  World world_{{.actors_max = 8, .calls_max = 10'000, .offers_per_actor_max = 3}};
  std::mt19937 random_;
  std::map<CallerNumber, Calls> waiting_;
  std::map<TaskNumber, CallerNumber> caller_of_;
  Calls running_;
  bool alive_ = false;
  TaskNumber next_ = 1;
  std::int64_t now_ = 0;
};

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

  TEST_CASE("a restart ends the pause: the ring was that of the dead process") {
    World world;
    CHECK(world.table.add(1, 1));
    world.table.started(1, 0);
    world.table.pause(1, true);
    world.call(10, 5);
    REQUIRE(world.table.died(1, 0).has_value());
    std::vector<ActorNumber> due;
    world.table.take_due(0, due);
    world.table.started(1, 0);
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
      RandomCalls calls(seed);
      for (int step = 0; step < 400; ++step) calls.step();
      calls.finish();
    }
  }
}
