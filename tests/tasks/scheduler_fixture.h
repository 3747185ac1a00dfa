// tests/tasks/scheduler_fixture.h: what the scheduler's tests share.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tasks/scheduler.h"

namespace mobula::tasks::testing {

using Kind = Decision::Kind;
using Numbers = std::vector<std::uint64_t>;

// One scheduler with template 1; shorthands for its events, and decisions as lists.
struct Fixture {
  explicit Fixture(SchedulerLimits limits) : scheduler(limits) { REQUIRE(scheduler.template_added(1)); }

  void submit(TaskNumber first, TaskNumber last, JobNumber job = 1, TemplateNumber home = 1) {
    for (TaskNumber task = first; task <= last; ++task) {
      REQUIRE(scheduler.task_submitted(task, job, home, {}, 1));
    }
  }
  void submit_after(TaskNumber task, const std::vector<ObjectKey> &objects) {
    REQUIRE(scheduler.task_submitted(task, 1, 1, objects, 1));
  }
  void start(WorkerNumber worker, TemplateNumber home = 1) { REQUIRE(scheduler.worker_started(worker, home)); }

  const std::vector<Decision> &decide(std::int64_t now_ns = 0) {
    scheduler.decide(decisions, now_ns);
    return decisions;
  }
  Numbers tasks_of(Kind kind, WorkerNumber worker) const {
    Numbers tasks;
    for (const Decision &decision : decisions) {
      if (decision.kind == kind && decision.worker == worker) {
        tasks.push_back(decision.task);
      }
    }
    return tasks;
  }
  std::size_t count(Kind kind) const {
    return static_cast<std::size_t>(
        std::count_if(decisions.begin(), decisions.end(), [&](const Decision &one) { return one.kind == kind; }));
  }
  // Answers every take-back of the last decision.
  void answer(bool success) {
    for (const Decision &decision : decisions) {
      if (decision.kind == Kind::kTakeBack) {
        scheduler.taken_back(decision.task, decision.worker, success);
      }
    }
  }

  Scheduler scheduler;
  std::vector<Decision> decisions;
};

inline SchedulerLimits with_slots(std::uint32_t slots_count) {
  SchedulerLimits limits;
  limits.slots_count = slots_count;
  return limits;
}

}  // namespace mobula::tasks::testing
