// What deaths of workers, ends of jobs and vanished templates do to tasks.
#include <doctest/doctest.h>
#include <signal.h>

#include "raylet/tasks_world.h"

namespace mobula::raylet {
namespace {

TEST_SUITE("raylet/tasks and deaths") {
  TEST_CASE("a task whose worker dies is tried once more, then fails with the pid and the signal") {
    TasksWorld world;
    const auto driver = world.attach();
    const wire::TaskNames names = world.submit(*driver);
    auto worker = world.start_worker(300);
    world.begin_run(*worker, names);
    world.die(*worker, SIGSEGV);
    CHECK(world.store.word_of(names.result.entry) ==
          refs::pack(State::kPending, refs::kRayletWriter, names.result.generation));
    CHECK(world.workers_wanted == 2);
    worker = world.start_worker(301);
    REQUIRE(world.offers_of(*worker).size() == 1);
    world.begin_run(*worker, names);
    world.die(*worker, SIGKILL);
    CHECK(world.failed_with(names.result, Code::kWorkerDied));
    CHECK(world.verdict_of(names.result).pid == 301);
    CHECK(world.verdict_of(names.result).process_end == SIGKILL);
    CHECK(world.verdict_of(names.result).function == kFunction);
    CHECK(world.tasks.figures().queued == 0);
    CHECK(world.tasks.figures().failed == 1);
    CHECK(world.free_all() == 1);  // the spec
  }

  TEST_CASE("the failure of a worker's death reaches the tasks that need the result") {
    TasksWorld world;
    const auto driver = world.attach();
    const wire::TaskNames names = world.submit(*driver, {}, 0);
    const wire::TaskNames dependant = world.submit(*driver, {names.result});
    const auto worker = world.start_worker(300);
    world.begin_run(*worker, names);
    world.die(*worker, SIGKILL);
    CHECK(world.failed_with(names.result, Code::kWorkerDied));
    CHECK(world.state_of(dependant.result.entry) == State::kFailed);
    CHECK(world.verdict_of(dependant.result).cause_entry == names.result.entry);
  }

  TEST_CASE("a task that was offered to a dead worker and not claimed costs no retry") {
    TasksWorld world;
    const auto driver = world.attach();
    const wire::TaskNames names = world.submit(*driver, {}, 0);
    for (const pid_t pid : {300, 301, 302}) {
      const auto worker = world.start_worker(pid);
      REQUIRE(world.offers_of(*worker).size() == 1);
      world.die(*worker, SIGKILL);
      CHECK(world.state_of(names.result.entry) == State::kPending);
    }
    const auto worker = world.start_worker(303);
    world.finish(*worker, names);
    CHECK(world.state_of(names.result.entry) == State::kSealed);
  }

  TEST_CASE("a result that was settled before its worker died counts, though nothing was reported") {
    TasksWorld world;
    const auto driver = world.attach();
    const wire::TaskNames names = world.submit(*driver);
    const auto worker = world.start_worker(300);
    world.begin_run(*worker, names);
    world.set_result(names, State::kSealed, worker->id);
    world.die(*worker, SIGKILL);
    CHECK(world.state_of(names.result.entry) == State::kSealed);
    CHECK(world.tasks.figures().finished == 1);
    CHECK(world.tasks.figures().queued == 0);
  }

  TEST_CASE("tasks behind the one that died keep their order") {
    TasksWorld world;
    const auto driver = world.attach();
    std::vector<wire::TaskNames> all;
    for (int i = 0; i < 5; ++i) all.push_back(world.submit(*driver));
    auto worker = world.start_worker(300);
    const std::size_t offered = world.offers_of(*worker).size();
    CHECK(offered >= 1);
    world.begin_run(*worker, all[0]);
    world.die(*worker, SIGKILL);
    worker = world.start_worker(301);
    std::size_t next = 0;
    while (next < all.size()) {
      const auto offers = world.offers_of(*worker);
      REQUIRE(!offers.empty());
      for (const wire::TaskNames &names : offers) {
        CHECK(names.spec == all[next++].spec);
        world.finish(*worker, names);
      }
    }
  }

  TEST_CASE("the end of a job fails its tasks, takes back what was offered and kills who runs one") {
    TasksWorld world;
    const auto driver = world.attach(segment::ClientKind::kDriver, 123);
    const wire::TaskNames running = world.submit(*driver);
    const wire::TaskNames offered = world.submit(*driver);
    const wire::TaskNames waiting = world.submit(*driver, {running.result});
    const auto worker = world.start_worker(300);
    world.begin_run(*worker, running);
    world.tasks.on_job_ended(driver->id);
    static_cast<void>(world.reap(*driver));
    world.clients.detach(*driver->client);
    world.act();
    for (const wire::TaskNames &names : {running, offered, waiting}) {
      CHECK(world.failed_with(names.result, Code::kOwnerDied));
      CHECK(world.verdict_of(names.result).pid == 123);
    }
    REQUIRE(!world.killed.empty());
    for (const std::uint32_t id : world.killed) CHECK(id == worker->id);
    CHECK_FALSE(world.claim(*worker, offered));
    CHECK(world.tasks.figures().running == 1);
    world.die(*worker, SIGKILL);
    CHECK(world.tasks.figures().queued == 0);
    CHECK(world.tasks.figures().running == 0);
    world.store.request_scan();
    world.free_all();
    CHECK(world.store.figures().objects == 0);
    CHECK(world.store.figures().used_bytes == 0);
  }

  TEST_CASE("the end of a job leaves another job's tasks alone") {
    TasksWorld world;
    const auto driver = world.attach();
    const auto other = world.attach();
    const wire::TaskNames ended = world.submit(*driver);
    const wire::TaskNames kept = world.submit(*other);
    world.tasks.on_job_ended(driver->id);
    world.act();
    CHECK(world.failed_with(ended.result, Code::kOwnerDied));
    const auto worker = world.start_worker(300);
    const auto offers = world.offers_of(*worker);
    REQUIRE(offers.size() == 1);
    CHECK(offers[0].spec == kept.spec);
  }

  TEST_CASE("an object that the reaper failed fails the tasks that need it") {
    TasksWorld world;
    const auto driver = world.attach();
    const auto owner = world.attach(segment::ClientKind::kDriver, 200);
    const ObjectName lost = world.begin_result(*owner);
    driver->take(lost);
    const wire::TaskNames names = world.submit(*driver, {lost});
    CHECK(world.state_of(names.result.entry) == State::kPending);
    for (const ObjectName &name : world.reap(*owner)) world.tasks.on_failed(name);
    CHECK(world.failed_with(names.result, Code::kTaskFailed));
    CHECK(world.verdict_of(names.result).cause_entry == lost.entry);
  }

  TEST_CASE("when no worker can ever come its tasks fail with the reason given") {
    TasksWorld world;
    const auto driver = world.attach();
    const wire::TaskNames names = world.submit(*driver);
    world.tasks.fail_template(kTemplate, plain_verdict(Code::kWorkerDied, 5, 0));
    world.act();
    CHECK(world.failed_with(names.result, Code::kWorkerDied));
    CHECK(world.verdict_of(names.result).pid == 5);
    CHECK(world.failed_with(world.submit(*driver).result, Code::kLimitReached));
  }
}

}  // namespace
}  // namespace mobula::raylet
