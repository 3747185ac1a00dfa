#include "tasks/leak_finder.h"

#include <doctest/doctest.h>

#include <vector>

#include "base/clock.h"

using namespace mobula;
using namespace mobula::tasks;
using refs::State;

namespace {

constexpr std::int64_t kSecondNs = base::kNanosecondsPerSecond;
constexpr std::int64_t kNowNs = 1000 * kSecondNs;
constexpr std::int64_t kMinAgeNs = 60 * kSecondNs;
constexpr std::int64_t kLongAgoNs = kNowNs - 100 * kSecondNs;
constexpr std::int64_t kLatelyNs = kNowNs - kSecondNs;
constexpr std::uint32_t kDriver = 1;
constexpr std::uint32_t kDead = 2;
constexpr std::uint32_t kWorker = 3;

// Holdings as the reader would make them. Containers are named by object, and linked at the end.
struct World {
  World() {
    holdings.read_ns = kNowNs;
    holdings.processes.resize(4);
    holdings.processes[kDead].is_ending = true;
  }
  std::uint32_t put(std::int64_t created_ns = kLongAgoNs) {
    Object object;
    object.name = {static_cast<std::uint32_t>(holdings.objects.size()), 1};
    object.state = State::kSealed;
    object.created_ns = created_ns;
    object.holders.begin = static_cast<std::uint32_t>(holdings.holders.size());
    object.users.begin = static_cast<std::uint32_t>(holdings.users.size());
    holdings.objects.push_back(object);
    inside.emplace_back();
    return object.name.entry;
  }
  // Of the object that was put last.
  Holder &hold(std::uint32_t client, std::int64_t since_ns = kLongAgoNs) {
    Holder holder;
    holder.client = client;
    holder.handles = 1;
    holder.since_ns = since_ns;
    holder.holds = true;
    holdings.holders.push_back(holder);
    ++holdings.objects.back().holders.count;
    return holdings.holders.back();
  }
  Task &use(std::int64_t since_ns) {
    Task task;
    task.since_ns = since_ns;
    holdings.users.push_back(static_cast<std::uint32_t>(holdings.tasks.size()));
    holdings.tasks.push_back(task);
    ++holdings.objects.back().users.count;
    ++holdings.objects.back().task_references;
    return holdings.tasks.back();
  }
  void contain(std::uint32_t inner, std::uint32_t container) { inside[inner].push_back(container); }
  Leaks find(std::int64_t min_age_ns = kMinAgeNs) {
    for (std::uint32_t number = 0; number < inside.size(); ++number) {
      Object &object = holdings.objects[number];
      object.containers = {static_cast<std::uint32_t>(holdings.containers.size()),
                           static_cast<std::uint32_t>(inside[number].size())};
      object.captured_references += object.containers.count;
      object.captures_found = object.containers.count;
      for (const std::uint32_t container : inside[number]) {
        holdings.containers.push_back(container);
        holdings.contents.push_back(number);
      }
    }
    return find_leaks(holdings, min_age_ns);
  }

  Holdings holdings;
  std::vector<std::vector<std::uint32_t>> inside;
};

void check_one(const Leaks &leaks, std::uint32_t object, KeptBy kept_by, std::uint32_t by) {
  REQUIRE(leaks.leaks.size() == 1);
  CHECK(leaks.leaks[0].object == object);
  CHECK(leaks.leaks[0].kept_by == kept_by);
  CHECK(leaks.leaks[0].by == by);
}

}  // namespace

TEST_SUITE("tasks/leak_finder") {
  TEST_CASE("an old handle is a leak, and the one that is held longest is named") {
    World world;
    world.put();
    world.hold(kDriver, kLongAgoNs + 1);
    world.hold(kWorker);
    const Leaks leaks = world.find();
    check_one(leaks, 0, KeptBy::kHandle, 1);
    CHECK(leaks.leaks[0].idle_ns == 100 * kSecondNs - 1);
  }
  TEST_CASE("what is new, was taken lately or is used by a task of late is needed") {
    World world;
    SUBCASE("new") {
      world.put(kLatelyNs);
      world.hold(kDriver);
    }
    SUBCASE("a handle of late") {
      world.put();
      world.hold(kDriver);
      world.hold(kWorker, kLatelyNs);
    }
    SUBCASE("taken lately, and dropped again") {
      world.put();
      world.hold(kDriver);
      world.holdings.objects[0].last_taken_ns = kLatelyNs;
    }
    SUBCASE("a task of late") {
      world.put();
      world.hold(kDriver);
      world.use(kLongAgoNs);
      world.use(kLatelyNs);
    }
    SUBCASE("a task that has made its actor") {
      world.put();
      world.use(kLongAgoNs).is_over = true;
    }
    CHECK(world.find().leaks.empty());
  }
  TEST_CASE("pins, drafts and stuck tasks keep what they should not") {
    World world;
    world.put();
    SUBCASE("a pin") {
      world.hold(kDriver).pinned = true;
      check_one(world.find(), 0, KeptBy::kPin, 0);
    }
    SUBCASE("the session's pin") {
      Holder &session = world.hold(0);
      session.holds = false;
      session.pinned = true;
      check_one(world.find(), 0, KeptBy::kSessionPin, 0);
    }
    SUBCASE("a draft") {
      world.holdings.objects[0].state = State::kCreating;
      world.holdings.objects[0].is_draft = true;
      world.hold(kDriver);
      check_one(world.find(), 0, KeptBy::kDraft, 0);
    }
    SUBCASE("a task that waits for ever") {
      world.use(kLongAgoNs + 5);
      world.use(kLongAgoNs);
      check_one(world.find(), 0, KeptBy::kTask, 1);
    }
  }
  TEST_CASE("what nobody refers to, what is kept on purpose, results to come and actors are no leaks") {
    World world;
    world.put();
    world.put();
    world.holdings.objects[1].retained = 1;
    world.put();
    world.hold(kDriver);
    world.holdings.objects[2].state = State::kPending;
    world.put();
    world.hold(kDriver);
    world.holdings.objects[3].state = State::kCreating;
    world.put();
    world.hold(kDriver);
    world.holdings.objects[4].kind = segment::Kind::kActor;
    world.put();
    world.holdings.objects[5].captured_references = 1;  // by something that was not found
    const Leaks leaks = world.find(0);
    CHECK(leaks.leaks.empty());
    CHECK(leaks.ending.empty());
  }
  TEST_CASE("a named object that somebody holds is a leak all the same") {
    World world;
    world.put();
    world.holdings.objects[0].retained = 1;
    world.hold(kDriver);
    check_one(world.find(), 0, KeptBy::kHandle, 0);
  }
  TEST_CASE("what only dead processes hold is not a leak yet, nor what lies inside of it") {
    World world;
    world.put();
    world.hold(kDead);
    world.put();
    world.contain(1, 0);
    const Leaks leaks = world.find();
    CHECK(leaks.leaks.empty());
    CHECK(leaks.ending == std::vector<std::uint32_t>{0, 1});
  }
  TEST_CASE("a dead holder beside a live one does not excuse it") {
    World world;
    world.put();
    world.hold(kDead);
    world.hold(kDriver);
    check_one(world.find(), 0, KeptBy::kHandle, 1);
  }
  TEST_CASE("what lies inside a leak is a leak, named by its container and, at the root, its holder") {
    World world;
    world.put();
    world.put();
    world.put();
    world.hold(kDriver);
    world.contain(0, 1);
    world.contain(1, 2);
    const Leaks leaks = world.find();
    REQUIRE(leaks.leaks.size() == 3);
    CHECK(leaks.leaks[0].kept_by == KeptBy::kObject);
    CHECK(leaks.leaks[0].by == 1);
    CHECK(root_of(leaks, leaks.leaks[0]).object == 2);
    CHECK(root_of(leaks, leaks.leaks[0]).kept_by == KeptBy::kHandle);
  }
  TEST_CASE("what lies inside an object that is needed is needed") {
    World world;
    world.put();
    world.hold(kDriver);
    world.put(kLatelyNs);
    world.hold(kDriver);
    world.contain(0, 1);
    CHECK(world.find().leaks.empty());
  }
  TEST_CASE("what lies inside an object that is about to be freed is, too") {
    World world;
    world.put();
    world.put();
    world.contain(0, 1);
    CHECK(world.find(0).leaks.empty());
  }
  TEST_CASE("objects that only contain each other are leaks when they are old") {
    World world;
    world.put();
    world.put();
    world.contain(0, 1);
    world.contain(1, 0);
    SUBCASE("old") {
      const Leaks leaks = world.find();
      REQUIRE(leaks.leaks.size() == 2);
      CHECK(leaks.leaks[1].kept_by == KeptBy::kCycle);
      CHECK(&root_of(leaks, leaks.leaks[1]) == &leaks.leaks[1]);
    }
    SUBCASE("new") {
      world.holdings.objects[0].created_ns = world.holdings.objects[1].created_ns = kLatelyNs;
      CHECK(world.find().leaks.empty());
    }
  }
}
