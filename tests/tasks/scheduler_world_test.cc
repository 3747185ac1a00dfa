#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tasks/scheduler.h"
#include "tasks/scheduler_world.h"

namespace {
using mobula::tasks::ObjectKey;
using mobula::tasks::TaskNumber;
using mobula::tasks::TemplateNumber;
using mobula::tasks::testing::World;
using mobula::tasks::testing::WorldFigures;
}  // namespace

TEST_SUITE("tasks/scheduler, in a small world") {
  TEST_CASE("tasks nested 50 deep finish on two slots") {
    World world(1, {.slots_count = 2, .workers_max = 256});
    world.add_template(1);
    for (int chain = 0; chain < 3; ++chain) {
      world.submit(1, 1, 50);
    }
    world.run_until_all_ended(/*chaos=*/false, 3'000'000);
    world.check_at_rest();
    CHECK(world.seen().workers_max >= 50);
    CHECK(world.seen().busy_max <= 2);
  }

  TEST_CASE("whatever happens, every task ends once, no slot is given twice, and nothing stalls") {
    WorldFigures all;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
      CAPTURE(seed);
      World shape(seed, {});
      const std::uint32_t slots = 1 + shape.roll(4);
      const std::uint32_t templates = 1 + shape.roll(3);
      World world(seed, {.slots_count = slots, .offers_per_worker_max = 1 + shape.roll(9)});
      for (TemplateNumber home = 1; home <= templates; ++home) {
        world.add_template(home);
      }
      for (TaskNumber task = 1; task <= 150; ++task) {
        std::vector<ObjectKey> after;
        while (task > 1 && world.roll(3) == 0) {
          after.push_back(1 + world.roll(static_cast<std::uint32_t>(task - 1)));
        }
        // Only tasks that the driver submitted are named: children are numbered later.
        world.submit(1 + world.roll(3), 1 + world.roll(templates), static_cast<int>(world.roll(4)), after);
      }
      world.run_until_all_ended(/*chaos=*/true, 2'000'000);
      world.check_at_rest();
      CHECK(world.seen().busy_max <= slots);
      all.take_backs_won += world.seen().take_backs_won;
      all.take_backs_lost += world.seen().take_backs_lost;
      all.deaths_with_tasks += world.seen().deaths_with_tasks;
      all.given_up += world.seen().given_up;
    }
    // The worlds were wild enough: both outcomes of a race, deaths, removed templates.
    CHECK(all.take_backs_won > 100);
    CHECK(all.take_backs_lost > 100);
    CHECK(all.deaths_with_tasks > 100);
    CHECK(all.given_up > 0);
  }
}
