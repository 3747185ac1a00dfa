#include "tasks/resource_gate.h"

#include <doctest/doctest.h>

#include <random>
#include <set>

using namespace mobula::tasks;

namespace {

constexpr std::int64_t kOne = kUnitsPerOne;
using Numbers = std::vector<TaskNumber>;

Quantities cpu(std::int64_t count) { return {{"CPU", count * kOne}}; }
Quantities named(const std::string &name, std::int64_t count) { return {{name, count * kOne}}; }

struct Fixture {
  ResourceGate gate{Quantities{{"CPU", 4 * kOne}, {"x", 2 * kOne}}};
  std::string why;

  void add(TaskNumber number, Quantities request, std::uint32_t unsettled = 0) {
    gate.add(number, {.request = std::move(request), .group = 0, .bundle = -1, .lasts = false}, unsettled);
  }
  void add_in(TaskNumber number, Quantities request, GroupNumber group, std::int32_t bundle = -1) {
    gate.add(number, {.request = std::move(request), .group = group, .bundle = bundle, .lasts = false}, 0);
  }
  GroupNumber create(std::vector<Quantities> bundles, GroupStrategy strategy = GroupStrategy::kPack) {
    return gate.create_group({.name = "", .job = 1, .bundles = std::move(bundles), .strategy = strategy}, &why);
  }
};

// What the gate should know, kept in the plainest way.
struct World {
  struct Known {
    std::size_t shape = 0;
    std::uint32_t unsettled = 0;
    bool admitted = false;
    bool blocked = false;
  };

  ResourceGate gate{Quantities{{"CPU", 4 * kOne}, {"x", 2 * kOne}, {"y", kOne}}};
  const std::vector<Quantities> shapes{
      cpu(1), cpu(3), named("x", 1), named("x", 2), named("y", 1), {{"CPU", kOne}, {"y", kOne}}, {{"CPU", kOne / 2}}};
  std::map<TaskNumber, Known> known;
  std::vector<Numbers> lines = std::vector<Numbers>(shapes.size());  // in the order in which they began to wait
  TaskNumber last = 0;
  int wrong = 0;
  std::size_t admitted = 0;

  void add(std::uint64_t shape, std::uint32_t unsettled) {
    const Known one{.shape = shape, .unsettled = unsettled, .admitted = false, .blocked = false};
    gate.add(++last, {.request = shapes[shape], .group = 0, .bundle = -1, .lasts = false}, unsettled);
    known[last] = one;
    if (unsettled == 0) lines[shape].push_back(last);
  }
  void settle(TaskNumber number) {
    Known &one = known.at(number);
    gate.object_settled(number);
    if (one.unsettled > 0 && --one.unsettled == 0) lines[one.shape].push_back(number);
  }
  void remove(TaskNumber number) {
    gate.remove(number);
    std::erase(lines[known.at(number).shape], number);
    known.erase(number);
  }
  void turn_blocked(TaskNumber number) {
    Known &one = known.at(number);
    gate.set_blocked(number, !one.blocked);
    if (one.admitted) one.blocked = !one.blocked;
  }
  void admit() {
    for (const TaskNumber number : gate.admit()) {
      Known &one = known.at(number);
      wrong += lines[one.shape].empty() || lines[one.shape].front() != number ? 1 : 0;
      std::erase(lines[one.shape], number);
      one.admitted = true;
      ++admitted;
    }
  }
  void check() {
    Quantities used{{"CPU", 0}, {"x", 0}, {"y", 0}};
    for (const auto &[number, one] : known) {
      for (const auto &[name, units] : shapes[one.shape]) {
        used[name] += one.admitted && !(one.blocked && name == "CPU") ? units : 0;
      }
    }
    for (const auto &[name, units] : used) wrong += gate.session().used_units(name) == units ? 0 : 1;
    wrong += used["x"] <= 2 * kOne && used["y"] <= kOne ? 0 : 1;
    for (std::size_t shape = 0; shape < shapes.size(); ++shape) {
      if (!lines[shape].empty() && gate.session().fits(shapes[shape])) wrong += has_rival(shape) ? 0 : 1;
    }
  }
  // A head that fits waits only for another line that does not fit, and of which it wants something.
  bool has_rival(std::size_t shape) const {
    for (std::size_t other = 0; other < shapes.size(); ++other) {
      if (other == shape || lines[other].empty() || gate.session().fits(shapes[other])) continue;
      for (const auto &[name, units] : shapes[shape]) {
        if (shapes[other].contains(name)) return true;
      }
    }
    return false;
  }
};

}  // namespace

TEST_SUITE("tasks/resource_gate") {
  TEST_CASE_FIXTURE(Fixture, "a task waits for its objects, then for what it asks for") {
    CHECK(gate.is_empty());
    CHECK_FALSE(gate.has_changed());
    add(1, cpu(3), 2);
    add(2, cpu(3));
    add(3, cpu(3), 1);
    gate.object_settled(1);
    CHECK(gate.has_changed());
    CHECK(gate.admit() == Numbers{2});
    CHECK_FALSE(gate.has_changed());
    CHECK(gate.awaits_objects());
    gate.object_settled(1);
    CHECK(gate.awaits_objects());
    gate.remove(3);
    CHECK_FALSE(gate.awaits_objects());
    CHECK(gate.admit().empty());
    CHECK(gate.grant_of(1) == nullptr);
    gate.remove(2);
    CHECK(gate.admit() == Numbers{1});
    CHECK(gate.grant_of(1)->quantities == cpu(3));
    CHECK(gate.knows(1));
    CHECK_FALSE(gate.knows(2));
    gate.remove(1);
    CHECK(gate.is_empty());
  }

  TEST_CASE_FIXTURE(Fixture, "lines are first come first served, and do not wait for each other") {
    add(1, named("x", 2));
    add(2, named("x", 2));
    add(3, named("x", 2));
    add(4, cpu(1));
    CHECK(gate.admit() == Numbers{1, 4});
    gate.remove(1);
    CHECK(gate.admit() == Numbers{2});
    gate.remove(3);
    gate.remove(2);
    CHECK(gate.admit().empty());
    CHECK(gate.session().used_units("x") == 0);
  }

  TEST_CASE_FIXTURE(Fixture, "a large request is passed over so often and no more") {
    TaskNumber next = 100;
    add(next++, cpu(1));
    add(1, cpu(4));
    std::size_t passed = gate.admit().size() - 1;
    // There is always one running, and another one comes before it ends.
    while (gate.grant_of(1) == nullptr && next < 1000) {
      add(next, cpu(1));
      passed += gate.admit().size();
      gate.remove(next - 1);
      passed += gate.admit().size();
      ++next;
    }
    CHECK(gate.grant_of(1) != nullptr);
    CHECK(passed >= kPassedOverMax);
    CHECK(passed <= kPassedOverMax + 2);
  }

  TEST_CASE_FIXTURE(Fixture, "nobody waits for an urgent one that waits for an actor or for a blocked task") {
    gate.add(1, {.request = named("x", 1), .group = 0, .bundle = -1, .lasts = true}, 0);
    add(2, named("x", 2));
    TaskNumber next = 100;
    const auto pass = [&] {
      for (std::uint32_t i = 0; i < 2 * kPassedOverMax; ++i) {
        add(++next, named("x", 1));
        gate.admit();
        if (gate.grant_of(next) == nullptr) return i;
        gate.remove(next);
      }
      return 2 * kPassedOverMax;
    };
    CHECK(pass() == 2 * kPassedOverMax);  // the actor may live for ever
    gate.remove(1);
    CHECK(gate.admit() == Numbers{2});
    add(3, named("x", 2));
    gate.set_blocked(2, true);
    gate.remove(2);
    CHECK(gate.admit() == Numbers{3});
    add(4, named("x", 1));
    gate.remove(3);
    CHECK(gate.admit() == Numbers{4});
    add(5, named("x", 2));
    gate.set_blocked(4, true);
    CHECK(pass() == 2 * kPassedOverMax);  // task 4 may wait for one of them
    gate.set_blocked(4, false);
    CHECK(pass() == 0);
  }

  TEST_CASE_FIXTURE(Fixture, "a blocked task gives its CPU to others, and goes on at once") {
    add(1, {{"CPU", 4 * kOne}, {"x", 2 * kOne}});
    CHECK(gate.admit() == Numbers{1});
    CHECK(gate.slots(4) == 1);
    add(2, cpu(4));
    add(3, named("x", 1));
    CHECK(gate.admit().empty());
    gate.set_blocked(1, true);
    CHECK(gate.admit() == Numbers{2});
    gate.set_blocked(1, false);
    CHECK(gate.session().free_units("CPU") == -4 * kOne);
    gate.remove(1);
    CHECK(gate.admit() == Numbers{3});
    CHECK(gate.session().free_units("CPU") == 0);
  }

  TEST_CASE_FIXTURE(Fixture, "it is known who stands before one that waits, unless a group does") {
    add(1, {{"CPU", kOne}, {"x", kOne}});
    add(2, {{"CPU", 3 * kOne}, {"x", kOne}});
    add(3, named("x", 1));
    add(4, cpu(1));
    CHECK(gate.admit() == Numbers{1, 2});
    CHECK(gate.holders_before(3) == Numbers{1, 2});
    CHECK(gate.holders_before(4) == Numbers{1, 2});
    CHECK(gate.holders_before(1).empty());
    add(5, {{"CPU", kOne}, {"x", 2 * kOne}});
    gate.set_blocked(1, true);
    CHECK(gate.admit() == Numbers{4});
    add(6, cpu(2));
    CHECK(gate.holders_before(6) == Numbers{2, 4});
    gate.remove(2);
    gate.remove(3);
    gate.remove(5);
    create({named("x", 1)});
    CHECK(gate.admit() == Numbers{6});
    add(7, named("x", 1));
    CHECK(gate.admit().empty());
    CHECK(gate.holders_before(7).empty());
  }

  TEST_CASE_FIXTURE(Fixture, "slots are what the others may use, and one for each admitted task") {
    CHECK(gate.slots(4) == 4);
    add(1, cpu(3));
    gate.admit();
    CHECK(gate.slots(4) == 2);  // one for it, one for another task
    add(2, named("x", 1));
    gate.admit();
    CHECK(gate.slots(4) == 3);
    add(3, {{"CPU", kOne / 2}});
    add(4, {{"CPU", kOne / 2}});
    CHECK(gate.admit() == Numbers{3, 4});
    CHECK(gate.slots(4) == 4);  // four admitted ones, and no CPU for others
    gate.remove(3);
    gate.remove(4);
    gate.add(5, {.request = cpu(1), .group = 0, .bundle = -1, .lasts = true}, 0);
    gate.admit();
    CHECK(gate.slots(4) == 2);
    gate.set_blocked(1, true);
    CHECK(gate.slots(4) == 4);  // three of other tasks, one of task 2
    gate.remove(1);
    gate.remove(2);
    gate.add(6, {.request = cpu(3), .group = 0, .bundle = -1, .lasts = true}, 0);
    gate.admit();
    CHECK(gate.slots(4) == 1);  // nothing is left, but tasks go on
  }

  TEST_CASE_FIXTURE(Fixture, "what can never be met is refused with what there is") {
    const auto refusal = [&](Quantities request, GroupNumber group = 0, std::int32_t bundle = -1) {
      return gate.refusal({.request = std::move(request), .group = group, .bundle = bundle, .lasts = false});
    };
    CHECK(refusal(cpu(4)).empty());
    CHECK(refusal(cpu(5)) == "asked: CPU 5; the session has: CPU 4, x 2");
    const GroupNumber group = create({cpu(1), cpu(2)});
    CHECK(refusal(cpu(2), group).empty());
    CHECK(refusal(cpu(2), group, 1).empty());
    CHECK(refusal(cpu(2), group, 0) == "asked: CPU 2 in bundle 0 of a placement group; its bundles: {CPU 1}, {CPU 2}");
    CHECK(refusal(cpu(3), group).find("any bundle") != std::string::npos);
    CHECK_FALSE(refusal(cpu(1), group, 2).empty());
    CHECK_FALSE(refusal(cpu(1), group + 1).empty());
    const GroupNumber never = create({cpu(1), cpu(1)}, GroupStrategy::kStrictSpread);
    CHECK(refusal(cpu(1), never).find("STRICT_SPREAD") != std::string::npos);
    gate.remove_group(group);
    CHECK(refusal(cpu(1), group).find("removed") != std::string::npos);
  }

  TEST_CASE_FIXTURE(Fixture, "a group's tasks use its bundles, and wait until it is created") {
    add(1, cpu(3));
    gate.admit();
    const GroupNumber group = create({cpu(1), cpu(2)});
    add_in(2, cpu(2), group);
    add_in(3, cpu(1), group, 1);
    add_in(4, cpu(1), group);
    CHECK(gate.admit().empty());
    CHECK(gate.groups().find(group)->state == GroupState::kPending);
    gate.remove(1);
    CHECK(gate.admit() == Numbers{2, 4});
    CHECK(gate.groups().find(group)->state == GroupState::kCreated);
    CHECK(gate.session().used_units("CPU") == 3 * kOne);
    CHECK(gate.slots(4) == 3);  // one for the session's tasks, one for each of the group's
    gate.remove(4);
    CHECK(gate.admit().empty());
    gate.remove(2);
    CHECK(gate.admit() == Numbers{3});
  }

  TEST_CASE_FIXTURE(Fixture, "a removed group names who waits for it and who uses it, and is free again") {
    const GroupNumber group = create({cpu(2)});
    add_in(1, cpu(2), group);
    add_in(2, cpu(2), group);
    add(3, cpu(4));
    CHECK(gate.admit() == Numbers{1});
    const ResourceGate::Users users = gate.remove_group(group);
    CHECK(users.waiting == Numbers{2});
    CHECK(users.admitted == Numbers{1});
    CHECK(gate.admit() == Numbers{3});
    gate.remove(1);  // its end is told late
    CHECK(gate.session().used_units("CPU") == 4 * kOne);
    CHECK(gate.remove_group(group).waiting.empty());
  }

  TEST_CASE_FIXTURE(Fixture, "a pending group is passed over so often and no more") {
    add(100, cpu(1));
    gate.admit();
    const GroupNumber group = create({cpu(4)});
    TaskNumber next = 100;
    while (gate.groups().find(group)->state == GroupState::kPending && next < 1000) {
      add(++next, cpu(1));
      gate.admit();
      gate.remove(next - 1);
      gate.admit();
    }
    CHECK(next >= 100 + kPassedOverMax);
    CHECK(next < 100 + 2 * kPassedOverMax);
  }

  TEST_CASE("random tasks: nobody gets too much, lines keep their order, and what fits does not wait for nothing") {
    std::mt19937_64 random(3);
    World world;
    for (int round = 0; round < 30'000; ++round) {
      const std::uint64_t what = random() % 10;
      if (what < 4 && world.known.size() < 60) {
        world.add(random() % world.shapes.size(), static_cast<std::uint32_t>(random() % 2));
      } else if (!world.known.empty()) {
        const auto any = static_cast<std::ptrdiff_t>(random() % world.known.size());
        const auto &[number, one] = *std::next(world.known.begin(), any);
        if (one.unsettled > 0)
          world.settle(number);
        else if (one.admitted ? what < 9 : what == 9)
          world.remove(number);
        else
          world.turn_blocked(number);
      }
      world.admit();
      world.check();
    }
    CHECK(world.wrong == 0);
    CHECK(world.admitted > 2000);
  }
}
