#include "raylet/tasks.h"

#include <doctest/doctest.h>

#include "raylet/tasks_world.h"

namespace mobula::raylet {
namespace {

TEST_SUITE("raylet/tasks") {
  TEST_CASE("a task starts a worker, is offered to it, and its result outlives it") {
    TasksWorld world;
    const auto driver = world.attach();
    const wire::TaskNames names = world.submit(*driver);
    CHECK(world.workers_wanted == 1);
    CHECK(world.tasks.figures().queued == 1);
    const auto worker = world.start_worker(300);
    const auto offers = world.offers_of(*worker);
    REQUIRE(offers.size() == 1);
    CHECK(offers[0].spec == names.spec);
    CHECK(offers[0].result == names.result);
    world.begin_run(*worker, names);
    CHECK(world.tasks.figures().running == 1);
    CHECK(world.tasks.figures().queued == 0);
    world.set_result(names, State::kSealed, worker->id);
    REQUIRE(world.tasks.on_done(*worker->client, names));
    CHECK(world.tasks.figures().finished == 1);
    CHECK(world.tasks.figures().failed == 0);
    CHECK(world.free_all() == 1);  // the spec
    CHECK(world.state_of(names.spec.entry) == State::kFree);
    CHECK(world.state_of(names.result.entry) == State::kSealed);
    driver->release(*world.rows[names.result.entry]);
    world.store.suggest(names.result.entry);
    CHECK(world.free_all() == 1);
  }

  TEST_CASE("the raylet keeps arguments and result while the task is there, though its submitter drops them") {
    TasksWorld world;
    const auto driver = world.attach();
    const std::uint32_t argument = world.grant_one(*driver);
    segment::Row &row = driver->put(argument);
    const wire::TaskNames names = world.submit(*driver, {world.name_of(argument)});
    driver->release(row);
    driver->release(*world.rows[names.result.entry]);
    for (const std::uint32_t entry : {argument, names.spec.entry, names.result.entry}) world.store.suggest(entry);
    CHECK(world.free_all() == 0);
    const auto worker = world.start_worker(300);
    world.finish(*worker, names);
    CHECK(world.free_all() == 3);
  }

  TEST_CASE("a task waits for the results that it takes") {
    TasksWorld world;
    const auto driver = world.attach();
    const wire::TaskNames first = world.submit(*driver);
    const wire::TaskNames second = world.submit(*driver, {first.result});
    const auto worker = world.start_worker(300);
    CHECK(world.offers_of(*worker).size() == 1);
    world.finish(*worker, first);
    const auto offers = world.offers_of(*worker);
    REQUIRE(offers.size() == 1);
    CHECK(offers[0].spec == second.spec);
  }

  TEST_CASE("a failed task fails all that need it, each with the root as its cause") {
    TasksWorld world;
    const auto driver = world.attach();
    const wire::TaskNames root = world.submit(*driver);
    const wire::TaskNames child = world.submit(*driver, {root.result});
    const wire::TaskNames grandchild = world.submit(*driver, {child.result});
    const auto worker = world.start_worker(300);
    world.finish(*worker, root, State::kFailed);
    const wire::TaskNames late = world.submit(*driver, {child.result});
    for (const ObjectName &result : {child.result, grandchild.result, late.result}) {
      CHECK(world.failed_with(result, Code::kTaskFailed));
      CHECK(world.verdict_of(result).cause_entry == root.result.entry);
      CHECK(world.verdict_of(result).cause_generation == root.result.generation);
    }
    CHECK(world.tasks.figures().failed == 4);
    CHECK(world.tasks.figures().queued == 0);
    // The cause lives as long as those that name it, and no longer.
    driver->release(*world.rows[root.result.entry]);
    world.free_all();
    CHECK(world.state_of(root.result.entry) == State::kFailed);
    for (const ObjectName &result : {child.result, grandchild.result, late.result}) {
      driver->release(*world.rows[result.entry]);
      world.store.suggest(result.entry);
    }
    world.free_all();
    CHECK(world.state_of(root.result.entry) == State::kFree);
    CHECK(world.store.figures().objects == 0);
  }

  TEST_CASE("an unknown function, a lost argument or a vanished job fails the task at once") {
    TasksWorld world;
    const auto driver = world.attach();
    CHECK(world.failed_with(world.submit(*driver, {}, 1, kUnknownFunction).result, Code::kFunctionNotFound));
    CHECK(world.failed_with(world.submit(*driver, {{3, 99}}).result, Code::kObjectLost));
    CHECK(world.failed_with(world.submit(*driver, {{base::kEntriesMax + 1, 0}}).result, Code::kObjectLost));
    CHECK(world.tasks.figures().queued == 0);
    CHECK(world.workers_wanted == 0);
  }

  TEST_CASE("a submission that breaks the protocol is refused and changes nothing") {
    TasksWorld world;
    const auto driver = world.attach();
    const auto other = world.attach();
    const ObjectName spec = world.write_spec(*driver, {}, 1);
    const ObjectName result = world.begin_result(*driver);
    const std::uint32_t value = world.grant_one(*driver);
    driver->put(value, std::as_bytes(std::span("no spec")));
    const std::uint32_t free_entry = world.grant_one(*driver);
    const ObjectName beyond{base::kEntriesMax + 9, 0};
    const wire::TaskNames hostile[] = {{beyond, result},
                                       {spec, beyond},
                                       {{spec.entry, 9}, result},
                                       {spec, {result.entry, 9}},
                                       {result, spec},
                                       {spec, spec},
                                       {result, result},
                                       {world.name_of(value), result},
                                       {{free_entry, 0}, result},
                                       {spec, {free_entry, 0}}};
    for (const wire::TaskNames &names : hostile) CHECK_FALSE(world.tasks.on_submit(*driver->client, names));
    CHECK_FALSE(world.tasks.on_submit(*other->client, {spec, result}));
    world.segment->entry(spec.entry).size = ~0ull;
    CHECK_FALSE(world.tasks.on_submit(*driver->client, {spec, result}));
    world.segment->entry(spec.entry).size = base::kSpecBytesMax;
    CHECK_FALSE(world.tasks.on_submit(*driver->client, {spec, result}));
    CHECK(world.store.index()[spec.entry].raylet_refs == 0);
    CHECK(world.store.index()[result.entry].raylet_refs == 0);
    CHECK(world.tasks.figures().queued == 0);
  }

  TEST_CASE("a task cannot be submitted twice, nor its result be another task's") {
    TasksWorld world;
    const auto driver = world.attach();
    const wire::TaskNames names = world.submit(*driver);
    CHECK_FALSE(world.tasks.on_submit(*driver->client, names));
    const ObjectName spec = world.write_spec(*driver, {}, 1);
    CHECK_FALSE(world.tasks.on_submit(*driver->client, {spec, names.result}));
    CHECK_FALSE(world.tasks.on_submit(*driver->client, {names.spec, world.begin_result(*driver)}));
  }

  TEST_CASE("a report is believed only from the worker that was offered the task, once its result is settled") {
    TasksWorld world(2);
    const auto driver = world.attach();
    const wire::TaskNames names = world.submit(*driver);
    const wire::TaskNames other_task = world.submit(*driver);
    const auto worker = world.start_worker(300);
    const auto offers = world.offers_of(*worker);
    const auto other = world.attach(segment::ClientKind::kWorker, 301);
    REQUIRE(world.claim(*worker, names));
    CHECK_FALSE(world.tasks.on_done(*worker->client, names));
    world.set_result(names, State::kSealed, worker->id);
    CHECK_FALSE(world.tasks.on_done(*other->client, names));
    CHECK_FALSE(world.tasks.on_done(*driver->client, names));
    CHECK_FALSE(world.tasks.on_done(*worker->client, {names.spec, other_task.result}));
    CHECK_FALSE(world.tasks.on_done(*worker->client, {names.result, names.spec}));
    CHECK_FALSE(world.tasks.on_done(*worker->client, {{base::kEntriesMax + 1, 0}, names.result}));
    CHECK_FALSE(world.tasks.on_done(*worker->client, {names.spec, {base::kEntriesMax + 1, 0}}));
    CHECK(world.tasks.on_done(*worker->client, names));
    CHECK_FALSE(world.tasks.on_done(*worker->client, names));
  }

  TEST_CASE("a blocked worker gives its tasks back, and reports both changes only once") {
    TasksWorld world;
    const auto driver = world.attach();
    const wire::TaskNames parent = world.submit(*driver);
    const auto worker = world.start_worker(300);
    world.begin_run(*worker, parent);
    const wire::TaskNames child = world.submit(*worker);
    CHECK_FALSE(world.tasks.on_blocked(*driver->client, true));
    CHECK_FALSE(world.tasks.on_blocked(*worker->client, false));
    REQUIRE(world.tasks.on_blocked(*worker->client, true));
    CHECK_FALSE(world.tasks.on_blocked(*worker->client, true));
    world.act();
    const auto second = world.start_worker(301);
    const auto offers = world.offers_of(*second);
    REQUIRE(offers.size() == 1);
    CHECK(offers[0].spec == child.spec);
    CHECK_FALSE(world.claim(*worker, child));
    world.finish(*second, child);
    REQUIRE(world.tasks.on_blocked(*worker->client, false));
    world.set_result(parent, State::kSealed, worker->id);
    CHECK(world.tasks.on_done(*worker->client, parent));
  }

  TEST_CASE("nobody waits for a stopped worker, whatever else keeps it from its tasks") {
    TasksWorld world;
    const auto driver = world.attach();
    const auto still = world.start_worker(300);
    const wire::TaskNames first = world.submit(*driver);
    world.act();
    REQUIRE(world.offers_of(*still).size() == 1);
    world.tasks.on_stopped(*still->client, true);
    world.act();
    CHECK_FALSE(world.claim(*still, first));
    const auto second = world.start_worker(301);
    world.act();
    REQUIRE(world.offers_of(*second).size() == 1);
    world.begin_run(*second, first);
    // Blocked and stopped at once: it is there again only when neither holds.
    REQUIRE(world.tasks.on_blocked(*still->client, true));
    world.tasks.on_stopped(*still->client, false);
    world.submit(*driver);
    world.act();
    CHECK(world.offers_of(*still).empty());
    REQUIRE(world.tasks.on_blocked(*still->client, false));
    world.tasks.on_stopped(*second->client, true);
    world.act();
    CHECK(world.offers_of(*still).size() == 1);
  }
}

}  // namespace
}  // namespace mobula::raylet
