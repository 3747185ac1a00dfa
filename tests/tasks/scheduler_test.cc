#include "tasks/scheduler.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "tasks/scheduler_fixture.h"

namespace {
using mobula::tasks::Decision;
using mobula::tasks::Scheduler;
using mobula::tasks::WorkerNumber;
using mobula::tasks::testing::Fixture;
using mobula::tasks::testing::Kind;
using mobula::tasks::testing::Numbers;
using mobula::tasks::testing::with_slots;
}  // namespace

TEST_SUITE("tasks/scheduler") {
  TEST_CASE("limits that allow no work are refused") {
    CHECK_THROWS_AS(Scheduler{with_slots(0)}, std::invalid_argument);
  }

  TEST_CASE("a task waits until every one of its objects is settled") {
    Fixture f(with_slots(1));
    f.start(7);
    f.submit_after(1, {10, 11, 10});  // named twice, counted once
    CHECK(f.scheduler.figures().dependencies == 2);
    f.scheduler.object_settled(10);
    CHECK(f.decide().empty());
    CHECK(f.scheduler.figures().waiting == 1);
    f.scheduler.object_settled(11);
    f.decide();
    CHECK(f.tasks_of(Kind::kOffer, 7) == Numbers{1});
    CHECK(f.scheduler.figures().dependencies == 0);
  }

  TEST_CASE("a diamond of dependencies runs from its top to its bottom") {
    Fixture f(with_slots(2));
    f.start(1);
    f.start(2);
    f.submit(1, 1);
    f.submit_after(2, {101});
    f.submit_after(3, {101});
    f.submit_after(4, {102, 103});
    f.decide();
    CHECK(f.count(Kind::kOffer) == 1);
    f.scheduler.task_finished(1);
    f.scheduler.object_settled(101);
    f.decide();
    CHECK(f.count(Kind::kOffer) == 2);
    CHECK(f.scheduler.worker_of(2) != f.scheduler.worker_of(3));
    f.scheduler.task_finished(3);
    f.scheduler.object_settled(103);
    CHECK(f.decide().empty());
    f.scheduler.task_finished(2);
    f.scheduler.object_settled(102);
    f.decide();
    CHECK(f.scheduler.worker_of(4).has_value());
    f.scheduler.task_finished(4);
    CHECK(f.scheduler.figures().finished == 4);
    CHECK(f.scheduler.figures().queued == 0);
  }

  TEST_CASE("the tasks that wait for an object are named in order, and leave no trace when removed") {
    Fixture f(with_slots(1));
    f.submit_after(1, {10});
    f.submit_after(2, {10, 11});
    f.submit_after(3, {11, 10});
    CHECK(f.scheduler.waiting_on(10) == Numbers{1, 2, 3});
    f.scheduler.task_removed(1);
    f.scheduler.task_removed(3);
    CHECK(f.scheduler.waiting_on(10) == Numbers{2});
    CHECK(f.scheduler.waiting_on(11) == Numbers{2});
    f.scheduler.object_settled(10);
    CHECK(f.scheduler.waiting_on(10).empty());
    f.scheduler.task_removed(2);
    CHECK(f.scheduler.figures().dependencies == 0);
    CHECK(f.scheduler.figures().queued == 0);
  }

  TEST_CASE("every idle worker gets one task before any gets two, then all are filled evenly") {
    Fixture f(with_slots(3));
    for (WorkerNumber worker = 1; worker <= 3; ++worker) {
      f.start(worker);
    }
    f.submit(1, 9);
    f.decide();
    REQUIRE(f.count(Kind::kOffer) == 9);
    std::vector<WorkerNumber> first{f.decisions[0].worker, f.decisions[1].worker, f.decisions[2].worker};
    std::sort(first.begin(), first.end());
    CHECK(first == std::vector<WorkerNumber>{1, 2, 3});
    for (WorkerNumber worker = 1; worker <= 3; ++worker) {
      CHECK(f.scheduler.offered_count(worker) == 3);
    }
  }

  TEST_CASE("no worker gets more than offers_per_worker_max") {
    Fixture f({.slots_count = 1, .offers_per_worker_max = 4});
    f.start(1);
    f.submit(1, 10);
    f.decide();
    CHECK(f.scheduler.offered_count(1) == 4);
    CHECK(f.scheduler.figures().ready == 6);
    f.scheduler.task_finished(2);  // in whatever order
    f.decide();
    CHECK(f.tasks_of(Kind::kOffer, 1) == Numbers{5});
  }

  TEST_CASE("missing workers are asked for once, and again when one fails to start") {
    Fixture f(with_slots(3));
    f.submit(1, 2);
    f.decide();
    REQUIRE(f.count(Kind::kStartWorkers) == 1);
    CHECK(f.decisions[0].count == 2);
    CHECK(f.decisions[0].template_number == 1);
    CHECK(f.decide().empty());
    f.scheduler.worker_start_failed(1);
    f.decide();
    REQUIRE(f.decisions.size() == 1);
    CHECK(f.decisions[0].count == 1);
  }

  TEST_CASE("work behind a running task is reason enough to start another worker, which then gets half of it") {
    Fixture f(with_slots(2));
    f.start(1);
    f.submit(1, 9);
    f.decide();
    CHECK(f.count(Kind::kStartWorkers) == 1);
    CHECK(f.scheduler.offered_count(1) == 9);
    f.start(2);
    f.decide();
    CHECK(f.tasks_of(Kind::kTakeBack, 1) == Numbers{9, 8, 7, 6});
    f.answer(true);
    f.decide();
    REQUIRE(f.count(Kind::kOffer) > 0);
    CHECK(f.tasks_of(Kind::kOffer, 2).front() == 6);  // their order is kept
    CHECK(f.scheduler.offered_count(1) + f.scheduler.offered_count(2) == 9);
  }

  TEST_CASE("the only task of a worker is never taken back for balance") {
    Fixture f(with_slots(2));
    f.start(1);
    f.submit(1, 1);
    f.decide();
    f.start(2);
    CHECK(f.decide().empty());
  }

  TEST_CASE("a task that could not be taken back stays where it runs and is not asked for again") {
    Fixture f(with_slots(2));
    f.start(1);
    f.submit(1, 2);
    f.decide();
    f.start(2);
    f.decide();
    REQUIRE(f.tasks_of(Kind::kTakeBack, 1) == Numbers{2});
    f.answer(false);
    CHECK(f.scheduler.worker_of(2) == WorkerNumber{1});
    f.decide();
    CHECK(f.count(Kind::kTakeBack) == 0);
    f.scheduler.task_finished(1);
    f.scheduler.task_finished(2);
    CHECK(f.scheduler.figures().queued == 0);
  }

  TEST_CASE("busy workers never exceed the slots, whatever number is idle") {
    Fixture f(with_slots(2));
    for (WorkerNumber worker = 1; worker <= 2; ++worker) {
      f.start(worker);
    }
    REQUIRE(f.scheduler.template_added(2));
    f.start(3, 2);
    f.submit(1, 100);
    f.submit(200, 300, 2, 2);
    f.decide();
    CHECK(f.scheduler.figures().workers_busy == 2);
  }

  TEST_CASE("a blocked worker loses everything that it does not run, gets nothing, and goes on when unblocked") {
    Fixture f(with_slots(1));
    f.start(1);
    f.submit(1, 4);
    f.decide();
    f.scheduler.worker_blocked(1);
    f.scheduler.worker_blocked(1);  // said twice
    f.decide();
    CHECK(f.tasks_of(Kind::kTakeBack, 1) == Numbers{4, 3, 2, 1});
    CHECK(f.count(Kind::kStartWorkers) == 1);
    for (const Decision &decision : std::vector<Decision>(f.decisions)) {
      if (decision.kind == Kind::kTakeBack) {
        f.scheduler.taken_back(decision.task, 1, decision.task != 1);  // it runs task 1
      }
    }
    CHECK(f.decide().empty());
    CHECK(f.scheduler.offered_count(1) == 1);
    f.start(2);
    f.decide();
    CHECK(f.tasks_of(Kind::kOffer, 2) == Numbers{2, 3, 4});
    f.scheduler.worker_unblocked(1);
    CHECK(f.scheduler.figures().workers_busy == 2);  // one more than slots
    f.submit(5, 6);
    CHECK(f.decide().empty());  // the surplus drains
    f.scheduler.task_finished(1);
    f.decide();
    CHECK(f.tasks_of(Kind::kOffer, 1).empty());
    CHECK(f.tasks_of(Kind::kOffer, 2) == Numbers{5, 6});
  }

  TEST_CASE("idle workers above the slots are stopped, the one that idled longest first") {
    Fixture f(with_slots(1));
    f.start(1);
    f.start(2);
    f.decide();
    REQUIRE(f.count(Kind::kStopWorker) == 1);
    CHECK(f.decisions[0].worker == 1);
    f.submit(1, 1);
    f.decide();
    CHECK(f.tasks_of(Kind::kOffer, 2) == Numbers{1});
    CHECK(f.scheduler.worker_died(1).empty());
    CHECK(f.scheduler.figures().workers == 1);
  }
}
