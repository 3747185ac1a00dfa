// Tasks that are cancelled, tried again after an exception, or wait for each other, as the raylet sees them.
#include <doctest/doctest.h>
#include <signal.h>

#include "raylet/tasks_world.h"

namespace mobula::raylet {
namespace {

Code code_of(const Status &status) { return status == nullptr ? Code::kOk : status->code; }

TEST_SUITE("raylet/tasks, cancelled") {
  TEST_CASE("a task that is offered and not claimed is taken back, the worker skips it, others follow") {
    TasksWorld world;
    const auto driver = world.attach();
    const auto worker = world.start_worker(300);
    const wire::TaskNames running = world.submit(*driver);
    const wire::TaskNames offered = world.submit(*driver);
    const wire::TaskNames last = world.submit(*driver);
    world.begin_run(*worker, running);
    CHECK(world.tasks.cancel(offered.result, true) == nullptr);
    CHECK(world.failed_with(offered.result, Code::kCancelled));
    CHECK(world.verdict_of(offered.result).function == kFunction);
    CHECK_FALSE(world.claim(*worker, offered));
    CHECK(world.killed.empty());
    world.set_result(running, State::kSealed, worker->id);
    REQUIRE(world.tasks.on_done(*worker->client, running));
    world.finish(*worker, last);
    CHECK(world.tasks.figures().queued == 0);
  }

  TEST_CASE("a running task is asked by its claim word, and what it makes of that stands") {
    TasksWorld world;
    const auto driver = world.attach();
    const auto worker = world.start_worker(300);
    const wire::TaskNames names = world.submit(*driver);
    world.begin_run(*worker, names);
    CHECK(world.tasks.cancel(names.result, false) == nullptr);
    CHECK(world.segment->entry(names.spec.entry).claim.load() ==
          tasks::pack_claim(tasks::Claim::kCancelling, worker->id, names.spec.generation));
    CHECK(world.state_of(names.result.entry) == State::kCreating);
    world.set_result(names, State::kSealed, worker->id);
    REQUIRE(world.tasks.on_done(*worker->client, names));
    CHECK(world.state_of(names.result.entry) == State::kSealed);
    CHECK(world.tasks.cancel(names.result, true) == nullptr);  // too late
    CHECK(world.killed.empty());
  }

  TEST_CASE("a cancelled task is not tried again when its worker dies, killed for it or not; others are, for free") {
    for (const bool force : {false, true}) {
      TasksWorld world;
      const auto driver = world.attach();
      const auto worker = world.start_worker(300);
      const wire::TaskNames names = world.submit(*driver, {}, 5);
      const wire::TaskNames behind = world.submit(*driver, {}, 0);
      world.begin_run(*worker, names);
      CHECK(world.tasks.cancel(names.result, force) == nullptr);
      CHECK(world.killed.size() == (force ? 1 : 0));
      world.die(*worker, SIGKILL);
      CHECK(world.failed_with(names.result, Code::kCancelled));
      const auto next = world.start_worker(301);
      world.finish(*next, behind);
      CHECK(world.state_of(behind.result.entry) == State::kSealed);
    }
  }

  TEST_CASE("a worker that is killed for a task may have ended it: its value stands, and the next one loses no retry") {
    TasksWorld world;
    const auto driver = world.attach();
    const auto worker = world.start_worker(300);
    const wire::TaskNames names = world.submit(*driver, {}, 0);
    const wire::TaskNames behind = world.submit(*driver, {}, 0);
    world.begin_run(*worker, names);
    CHECK(world.tasks.cancel(names.result, true) == nullptr);
    world.set_result(names, State::kSealed, worker->id);
    world.begin_run(*worker, behind);
    world.die(*worker, SIGKILL);
    CHECK(world.state_of(names.result.entry) == State::kSealed);
    CHECK(world.state_of(behind.result.entry) == State::kPending);
    const auto next = world.start_worker(301);
    world.finish(*next, behind);
    CHECK(world.state_of(behind.result.entry) == State::kSealed);
  }

  TEST_CASE("what no task makes is refused") {
    TasksWorld world;
    const auto driver = world.attach();
    CHECK(code_of(world.tasks.cancel({base::kEntriesMax, 0}, false)) == Code::kObjectLost);
    CHECK(code_of(world.tasks.cancel(world.begin_result(*driver), false)) == Code::kInvalidArgument);
  }

  TEST_CASE("a task that threw runs again while it may; a report of what does not run there is refused") {
    TasksWorld world;
    const auto driver = world.attach();
    const auto worker = world.start_worker(300);
    const wire::TaskNames names = world.submit(*driver, {}, 2);
    CHECK_FALSE(world.tasks.on_done(*worker->client, names, wire::Done::kThrew));  // not begun
    world.begin_run(*worker, names);
    REQUIRE(world.tasks.on_done(*worker->client, names, wire::Done::kThrew));
    CHECK(world.state_of(names.result.entry) == State::kPending);
    CHECK_FALSE(world.tasks.on_done(*worker->client, names, wire::Done::kThrew));  // twice
    world.act();
    world.begin_run(*worker, names);
    world.die(*worker, SIGKILL);
    const auto next = world.start_worker(301);
    world.begin_run(*next, names);
    world.die(*next, SIGKILL);
    CHECK(world.failed_with(names.result, Code::kWorkerDied));  // one exception and two deaths
  }

  TEST_CASE("a cancelled task that threw and wants another try is over") {
    TasksWorld world;
    const auto driver = world.attach();
    const auto worker = world.start_worker(300);
    const wire::TaskNames names = world.submit(*driver, {}, 2);
    world.begin_run(*worker, names);
    CHECK(world.tasks.cancel(names.result, false) == nullptr);
    REQUIRE(world.tasks.on_done(*worker->client, names, wire::Done::kThrew));
    CHECK(world.failed_with(names.result, Code::kCancelled));
    CHECK(world.tasks.figures().queued == 0);
  }
}

wire::Awaited awaiting(const ObjectName &name) {
  wire::Awaited awaited;
  awaited.count = awaited.needed = 1;
  awaited.names[0] = name;
  return awaited;
}

TEST_SUITE("raylet/tasks, deadlocks") {
  TEST_CASE("two tasks that wait for each other: the last one's wait fails, and the other then ends") {
    TasksWorld world(2);
    const auto driver = world.attach();
    const auto one_worker = world.start_worker(300);
    const wire::TaskNames one = world.submit(*driver);
    world.begin_run(*one_worker, one);
    const auto other_worker = world.start_worker(301);
    const wire::TaskNames other = world.submit(*driver);
    world.begin_run(*other_worker, other);
    REQUIRE(world.tasks.on_blocked(*one_worker->client, true, awaiting(other.result)));
    CHECK(world.state_of(other.result.entry) == State::kCreating);
    REQUIRE(world.tasks.on_blocked(*other_worker->client, true, awaiting(one.result)));
    CHECK(world.failed_with(one.result, Code::kDeadlock));
    CHECK(world.state_of(other.result.entry) == State::kCreating);
    const ObjectName words{world.verdict_of(one.result).cause_entry, world.verdict_of(one.result).cause_generation};
    CHECK(world.state_of(words.entry) == State::kSealed);
    CHECK(world.store.index()[words.entry].raylet_refs == 1);
    // Both go on; what the first makes comes too late.
    REQUIRE(world.tasks.on_blocked(*other_worker->client, false));
    world.set_result(other, State::kSealed, other_worker->id);
    REQUIRE(world.tasks.on_done(*other_worker->client, other));
    REQUIRE(world.tasks.on_blocked(*one_worker->client, false));
    REQUIRE(world.tasks.on_done(*one_worker->client, one));
    CHECK(world.failed_with(one.result, Code::kDeadlock));
    CHECK(world.tasks.figures().queued == 0);
  }

  TEST_CASE("what is not known to wait, is settled, or does not exist closes no circle") {
    TasksWorld world(2);
    const auto driver = world.attach();
    const auto one_worker = world.start_worker(300);
    const wire::TaskNames one = world.submit(*driver);
    world.begin_run(*one_worker, one);
    const auto other_worker = world.start_worker(301);
    const wire::TaskNames other = world.submit(*driver);
    world.begin_run(*other_worker, other);
    REQUIRE(world.tasks.on_blocked(*one_worker->client, true));
    REQUIRE(world.tasks.on_blocked(*other_worker->client, true, awaiting(one.result)));
    REQUIRE(world.tasks.on_blocked(*other_worker->client, false));
    for (const ObjectName &name :
         {ObjectName{base::kEntriesMax, 7}, ObjectName{one.spec.entry, 1ull << 40}, world.begin_result(*driver)}) {
      REQUIRE(world.tasks.on_blocked(*other_worker->client, true, awaiting(name)));
      REQUIRE(world.tasks.on_blocked(*other_worker->client, false));
    }
    CHECK(world.state_of(one.result.entry) == State::kCreating);
    CHECK(world.state_of(other.result.entry) == State::kCreating);
  }
}

}  // namespace
}  // namespace mobula::raylet
